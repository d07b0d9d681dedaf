#include "box.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "ahead.hpp"
#include "root.hpp"

namespace podium::sandbox {
namespace {

using Options = std::array<char, 96>;

Options options_of(const ShellLimits& limits) noexcept {
  Options text;
  std::snprintf(text.data(), text.size(), "mode=755,size=%llu,nr_inodes=%llu",
                static_cast<unsigned long long>(limits.workspace_bytes),
                static_cast<unsigned long long>(limits.workspace_files) + 16);
  return text;
}

/// A folder of the box appears there, for every user.
bool share(const char* folder, const char* where) noexcept {
  return ::mkdir(folder, 01777) == 0 && ::mount(folder, where, nullptr, MS_BIND, nullptr) == 0;
}

}  // namespace

const char* Box::make(const ShellLimits& limits, uid_t user) noexcept {
  if (::mount("box", "/mnt", "tmpfs", MS_NOSUID | MS_NODEV, options_of(limits).data()) != 0) {
    return "mount /mnt";
  }
  const mode_t mask = ::umask(0);
  for (const char* folder : {kWorkspace, kCode}) {
    if (::mkdir(folder, 0755) != 0 || ::chown(folder, user, user) != 0) return folder;
  }
  changes_ = ::open(kWorkspace, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (changes_ < 0) return "open /mnt/data";
  if (::mkdir("/mnt/.work", 0700) != 0 || ::mkdir("/mnt/.none", 0) != 0) return "mkdir /mnt/.work";
  // The runs of others lie behind a folder of root's; from here on only behind this descriptor.
  // Covered, not unmounted: that would wait until no processor can still be using it.
  runs_ = ::open(kRunsInside, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (runs_ < 0) return "open the runs";
  if (::mount("/mnt/.none", kHiddenInside, nullptr, MS_BIND, nullptr) != 0) {
    return "hiding the runs";
  }
  if (!share("/mnt/.tmp", "/tmp")) return "bind /tmp";
  if (!share("/mnt/.shm", "/dev/shm")) return "bind /dev/shm";
  ::umask(mask);
  return nullptr;
}

const char* Box::place_ahead_script(int payload) noexcept {
  const AheadPayload ahead(payload);
  if (!ahead.ok()) {
    errno = EBADMSG;
    return "reading what is to be executed ahead";
  }
  if (::mkdir(kAheadFolder, 0755) != 0) return kAheadFolder;
  std::array<char, 128> path;
  std::snprintf(path.data(), path.size(), "%s/%.*s", kAheadFolder,
                static_cast<int>(ahead.name.size()), ahead.name.data());
  const int file = ::open(path.data(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
  if (file < 0) return "making the script that is to be executed ahead";
  const auto size = static_cast<ssize_t>(ahead.script.size());
  if (::write(file, ahead.script.data(), ahead.script.size()) != size) {
    return "writing the script that is to be executed ahead";
  }
  ::close(file);
  return nullptr;
}

const char* Box::resize(const ShellLimits& limits) noexcept {
  const Options options = options_of(limits);
  const unsigned long how = MS_REMOUNT | MS_NOSUID | MS_NODEV;
  return ::mount(nullptr, "/mnt", nullptr, how, options.data()) == 0
             ? nullptr
             : "resizing the sandbox's tmpfs";
}

const char* Box::mount_inputs(std::string_view run, bool own_user) noexcept {
  std::array<char, 256> options;
  std::snprintf(options.data(), options.size(),
                "lowerdir=/proc/self/fd/%d/%.*s,upperdir=%s,workdir=/mnt/.work%s", runs_,
                static_cast<int>(run.size()), run.data(), kWorkspace,
                // Not what the kernel's builder or a module's parameter says: with these the folder
                // of changes would hold references to the inputs in place of their content.
                own_user ? ",userxattr" : ",redirect_dir=off,metacopy=off,index=off");
  if (::mount("workspace", kWorkspace, "overlay", MS_NOSUID | MS_NODEV, options.data()) != 0) {
    return "mounting the workspace overlay";
  }
  merged_ = ::open(kWorkspace, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return merged_ >= 0 ? nullptr : "open the merged workspace";
}

void Box::forget_runs() noexcept {
  ::close(runs_);
  runs_ = -1;
}

bool Box::full() const noexcept {
  struct statfs box {};
  return ::statfs("/mnt", &box) == 0 && (box.f_bfree == 0 || box.f_ffree == 0);
}

}  // namespace podium::sandbox
