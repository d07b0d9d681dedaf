#include "root.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "user_namespace.hpp"

namespace podium::sandbox {
namespace {

namespace fs = std::filesystem;

void check(bool ok, const std::string& step) {
  if (!ok) throw std::system_error(errno, std::generic_category(), step);
}

/// Whole directories that programs of any language need, or the templates of Python, which no
/// language's table need name; what others read besides is in their tables ("paths"). What is
/// missing on a host is left out: it could not be used there either.
constexpr std::array kDirectories{
    "/usr",           "/etc/alternatives", "/etc/ssl/certs", "/etc/ca-certificates",
    "/etc/fonts",     "/etc/ld.so.conf.d", "/etc/python3",   "/etc/python3.11",
    "/etc/matplotlib"};

constexpr std::array kFiles{"/etc/ld.so.cache",    "/etc/ld.so.conf",  "/etc/ssl/openssl.cnf",
                            "/etc/localtime",      "/etc/timezone",    "/etc/mime.types",
                            "/etc/services",       "/etc/protocols",   "/etc/matplotlibrc",
                            "/etc/debian_version", "/etc/os-release",  "/etc/magic",
                            "/etc/inputrc",        "/etc/bash.bashrc", "/etc/profile"};

struct Stub {
  const char* path;
  const char* text;
};
constexpr std::array kStubs{
    Stub{"/etc/passwd",
         "root:x:0:0:root:/nonexistent:/usr/sbin/nologin\n"
         "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"},
    Stub{"/etc/group", "root:x:0:\nnogroup:x:65534:\n"},
    Stub{"/etc/hosts", "127.0.0.1 localhost sandbox\n::1 localhost\n"},
    Stub{"/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"},
    Stub{"/etc/hostname", "sandbox\n"},
    Stub{"/etc/resolv.conf", ""}};

struct Device {
  const char* path;
  unsigned minor;
};
constexpr std::array kDevices{Device{"/dev/null", 3}, Device{"/dev/zero", 5},
                              Device{"/dev/full", 7}, Device{"/dev/random", 8},
                              Device{"/dev/urandom", 9}};

int clone_mount(const std::string& path) {
  return ::open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
}

void make_parents(const std::string& root, const std::string& path) {
  std::error_code ignored;
  fs::create_directories(fs::path(root + path).parent_path(), ignored);
}

void write_stub(const std::string& path, std::string_view text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  check(fd >= 0, "create " + path);
  const bool ok = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  check(ok, "write " + path);
}

void attach(int tree, const std::string& target, bool read_only) {
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  if (read_only) attributes.attr_set |= MOUNT_ATTR_RDONLY;
  attributes.propagation = MS_PRIVATE;
  check(
      ::mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof attributes) == 0,
      "mount_setattr " + target);
  check(::move_mount(tree, "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH) == 0,
        "move_mount " + target);
  ::close(tree);
}

void add_tree(const std::string& root, const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return;
  make_parents(root, path);
  if (S_ISDIR(info.st_mode)) {
    ::mkdir((root + path).c_str(), 0755);
  } else {
    write_stub(root + path, "");
  }
  const int tree = clone_mount(path);
  check(tree >= 0, "open_tree " + path);
  attach(tree, root + path, true);
}

/// Small files are copied: a mount for each would be copied into every sandbox's namespace.
void add_file(const std::string& root, const std::string& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return;
  make_parents(root, path);
  fs::copy_file(path, root + path, fs::copy_options::overwrite_existing, error);
  if (error) throw std::system_error(error, "copy " + path);
}

/// "/bin → usr/bin" and the like; on a system without merged /usr they are directories.
void add_top_level(const std::string& root) {
  for (const char* path : {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}) {
    std::error_code error;
    if (fs::is_symlink(path, error)) {
      fs::create_symlink(fs::read_symlink(path), root + path, error);
      if (error) throw std::system_error(error, std::string("symlink ") + path);
    } else if (fs::is_directory(path, error)) {
      add_tree(root, path);
    }
  }
}

void fill_dev(const std::string& root) {
  check(::mkdir((root + "/dev").c_str(), 0755) == 0, "mkdir /dev");
  for (const auto& device : kDevices) {
    const std::string path = root + device.path;
    if (is_unprivileged()) {  // which may make none
      write_stub(path, "");
      const int tree = clone_mount(device.path);
      check(tree >= 0, std::string("open_tree ") + device.path);
      check(::move_mount(tree, "", AT_FDCWD, path.c_str(), MOVE_MOUNT_F_EMPTY_PATH) == 0,
            std::string("move_mount ") + device.path);
      ::close(tree);
      continue;
    }
    check(::mknod(path.c_str(), S_IFCHR | 0666, ::makedev(1, device.minor)) == 0,
          std::string("mknod ") + device.path);
    check(::chmod(path.c_str(), 0666) == 0, std::string("chmod ") + device.path);
  }
  const std::array<std::pair<const char*, const char*>, 4> links{
      {{"/dev/fd", "/proc/self/fd"},
       {"/dev/stdin", "/proc/self/fd/0"},
       {"/dev/stdout", "/proc/self/fd/1"},
       {"/dev/stderr", "/proc/self/fd/2"}}};
  for (const auto& [name, target] : links) {
    check(::symlink(target, (root + name).c_str()) == 0, std::string("symlink ") + name);
  }
  ::mkdir((root + "/dev/shm").c_str(), 01777);
}

/// A user namespace may mount a /proc only where it sees a whole one already (the kernel's
/// mount_too_revealing()). Covered with the runs.
void show_proc(const std::string& path) {
  check(::mkdir(path.c_str(), 0755) == 0, "mkdir " + path);
  check(::mount("proc", path.c_str(), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0,
        "mount a /proc in the user namespace (a container that hides parts of /proc does not allow "
        "it)");
}

}  // namespace

void enter_prepared_root(const std::string& runs, const std::vector<std::string>& extra) {
  check(::unshare(CLONE_NEWNS) == 0, "unshare the mount namespace");
  check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "make / private");
  const int runs_tree = clone_mount(runs);
  check(runs_tree >= 0, "open_tree " + runs);

  // The new root is built below /proc, the one directory that is surely there and that nothing in
  // the allow-list lies under; the host's own tree stays visible until the pivot.
  const std::string root = "/proc";
  check(::mount("podium", root.c_str(), "tmpfs", MS_NOSUID, "mode=755,size=16m") == 0,
        "mount root");
  add_top_level(root);
  for (const char* path : kDirectories) add_tree(root, path);
  for (const char* path : kFiles) add_file(root, path);
  for (const auto& path : extra) {
    std::error_code error;
    fs::is_regular_file(path, error) ? add_file(root, path) : add_tree(root, path);
  }
  for (const auto& stub : kStubs) {
    make_parents(root, stub.path);
    write_stub(root + stub.path, stub.text);
  }
  fill_dev(root);
  for (const char* path : {"/proc", "/tmp", "/mnt", "/.podium", "/.podium/runs"}) {
    check(::mkdir((root + path).c_str(), 0755) == 0, std::string("mkdir ") + path);
  }
  check(::chmod((root + "/.podium").c_str(), 0700) == 0, "chmod /.podium");
  attach(runs_tree, root + kRunsInside, true);
  if (is_unprivileged()) show_proc(root + kProcInside);

  check(::chdir(root.c_str()) == 0, "chdir to the new root");
  check(::syscall(SYS_pivot_root, ".", ".") == 0, "pivot_root");
  check(::umount2(".", MNT_DETACH) == 0, "leave the host's root");
  check(::chdir("/") == 0, "chdir /");
  check(::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID, nullptr) == 0,
        "make the root read-only");
}

}  // namespace podium::sandbox
