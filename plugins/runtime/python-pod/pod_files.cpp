#include "pod_files.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace podium::python_pod {
namespace {

[[noreturn]] void fail(const std::string& what) {
  const std::string why = std::generic_category().message(errno);
  throw sdk::Error(PODIUM_UNAVAILABLE,
                   what + ": " + why + "; it belongs to this plugin, install it again");
}

std::shared_ptr<const sdk::Descriptor> into_memory(const std::string& path) {
  const sdk::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) fail("option 'files': cannot open " + path);
  auto memory = std::make_shared<const sdk::Descriptor>(
      ::memfd_create("podium-pod", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (memory->get() < 0) fail("memory for " + path);
  ssize_t n = 0;
  do {
    n = ::sendfile(memory->get(), file.get(), nullptr, 1u << 20);
  } while (n > 0 || (n < 0 && errno == EINTR));
  if (n < 0) fail("reading " + path);
  ::fcntl(memory->get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  return memory;
}

}  // namespace

PodFiles PodFiles::read(const std::string& folder) {
  return {into_memory(folder + "/zygote.py"), into_memory(folder + "/podium_pod.so")};
}

std::string PodFiles::default_folder() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&PodFiles::default_folder), &info) == 0) {
    throw sdk::Error(PODIUM_INTERNAL, "cannot tell where this plugin was loaded from");
  }
  // <lib>/podium/plugins/runtime/python-pod.so
  const std::filesystem::path plugin(info.dli_fname);
  return (plugin.parent_path().parent_path().parent_path() / "python-pod").string();
}

}  // namespace podium::python_pod
