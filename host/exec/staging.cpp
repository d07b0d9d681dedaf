#include "exec/staging.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string_view>
#include <system_error>

#include "base/failure.hpp"
#include "base/write_whole.hpp"
#include "exec/beneath.hpp"
#include "exec/content_check.hpp"

namespace podium {
namespace {

constexpr std::string_view kOutputSuffix = ".out";
constexpr mode_t kFolderMode = 0777;  // the runs directory above is 0700
constexpr mode_t kFileMode = 0666;

[[noreturn]] void fail(const std::string& what, int error) {
  const bool full = error == ENOSPC || error == EDQUOT || error == EMFILE || error == ENFILE;
  throw Failure(full ? Code::kUnavailable : Code::kInternal,
                what + ": " + std::system_category().message(error));
}

/// Opens a folder, after making it when it is not there; open to all whatever the umask.
UniqueFd open_folder(int parent, const std::string& name) {
  const bool made = ::mkdirat(parent, name.c_str(), kFolderMode) == 0;
  if (!made && errno != EEXIST) fail("making a folder for the inputs", errno);
  UniqueFd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) fail("opening a folder for the inputs", errno);
  if (made && ::fchmod(fd.get(), kFolderMode) != 0) fail("opening a folder to all", errno);
  return fd;
}

/// Streams a blob into a new file. What is not of this machine is compared with its record.
void copy_blob(Storage& storage, const FileRecord& file, int folder, const std::string& name,
               const std::function<bool()>& cancelled) {
  UniqueFd out(::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode));
  if (!out || ::fchmod(out.get(), kFileMode) != 0) fail("making the copy of an input", errno);
  try {
    const StoredContent content = stored_content(file);
    std::optional<ContentCheck> check;
    if (!storage.has_local_files()) check.emplace(content);
    storage.get(file.blob, 0, file.size, [&](std::string_view bytes) {
      if (cancelled()) return false;
      if (check) check->update(bytes);
      if (const int error = write_whole(out.get(), bytes)) fail("copying an input", error);
      return true;
    });
    if (check) check->require();
  } catch (...) {
    ::unlinkat(folder, name.c_str(), 0);  // no program must see a part for the whole
    throw;
  }
}

/// The blob as a file of this machine, if it has one.
InputCache::Opened local_blob(Storage& storage, InputCache& cache, Bytes capacity,
                              const FileRecord& file, const std::function<bool()>& cancelled) {
  if (storage.has_local_files()) return {storage.open_local(file.blob)};
  const auto fetch = [&](const InputCache::Write& write) {
    storage.get(file.blob, 0, file.size, [&](std::string_view bytes) {
      write(bytes);
      return true;
    });
  };
  return cache.open(stored_content(file), capacity, fetch, cancelled);
}

/// Links the file behind a descriptor; false when this file system or the kernel's rules for links
/// do not allow it, or the cache has just let go of the file, so that a copy has to do.
bool link_blob(int blob, int folder, const std::string& name) {
  const std::string path = "/proc/self/fd/" + std::to_string(blob);
  if (::linkat(AT_FDCWD, path.c_str(), folder, name.c_str(), AT_SYMLINK_FOLLOW) == 0) return true;
  if (errno != EXDEV && errno != EPERM && errno != EMLINK && errno != EOPNOTSUPP &&
      errno != ENOENT) {
    fail("linking an input", errno);
  }
  return false;
}

}  // namespace

RunFiles::RunFiles(std::filesystem::path runs_dir, std::string id)
    : runs_dir_(std::move(runs_dir)), id_(std::move(id)) {}

RunFiles::~RunFiles() {
  std::error_code ignored;  // what cannot be removed now is a left-over for the sweep
  if (made_) std::filesystem::remove_all(runs_dir_ / id_, ignored);
  if (made_output_) {
    std::filesystem::remove_all(runs_dir_ / (id_ + std::string(kOutputSuffix)), ignored);
  }
}

std::string RunFiles::stage(Storage& storage, InputCache& cache, Bytes cache_capacity,
                            std::vector<InputFile>& inputs, std::vector<std::string>& warnings,
                            const std::function<bool()>& cancelled) {
  if (inputs.empty()) return {};
  if (!workspace_) {
    made_ = true;
    workspace_ = open_folder(AT_FDCWD, (runs_dir_ / id_).string());
  }
  while (placed_ < inputs.size()) {
    if (cancelled()) throw Failure(Code::kCancelled, "the run was cancelled");
    const InputFile& input = inputs[placed_];
    try {
      if (!place(storage, cache, cache_capacity, input, cancelled)) return input.file.sha256;
      ++placed_;
    } catch (const Failure& failure) {
      if (failure.code() != Code::kNotFound) throw;
      warnings.push_back("warning: file skipped: the content of \"" + input.name +
                         "\" is no longer stored");
      inputs.erase(inputs.begin() + static_cast<std::ptrdiff_t>(placed_));
    }
  }
  return {};
}

/// False: another is fetching it.
bool RunFiles::place(Storage& storage, InputCache& cache, Bytes cache_capacity,
                     const InputFile& input, const std::function<bool()>& cancelled) {
  UniqueFd below;
  int folder = workspace_.get();
  std::string_view rest = input.name;
  for (std::size_t slash; (slash = rest.find('/')) != rest.npos; rest.remove_prefix(slash + 1)) {
    below = open_folder(folder, std::string(rest.substr(0, slash)));
    folder = below.get();
  }
  const std::string last(rest);
  const InputCache::Opened blob = local_blob(storage, cache, cache_capacity, input.file, cancelled);
  if (blob.coming) return false;
  if (blob.file && link_blob(blob.file.get(), folder, last)) return true;
  copy_blob(storage, input.file, folder, last, cancelled);
  return true;
}

RunFiles::OpenInputs RunFiles::open_inputs(const std::vector<InputFile>& inputs) const {
  OpenInputs open;
  open.inputs.reserve(inputs.size());
  open.descriptors.reserve(inputs.size());
  for (const InputFile& input : inputs) {
    UniqueFd file = open_beneath(workspace_.get(), input.name.c_str(), O_RDONLY);
    if (!file) fail("opening an input", errno);
    open.inputs.push_back({input.name, file.get(), input.file.read_only});
    open.descriptors.push_back(std::move(file));
  }
  return open;
}

void RunFiles::make_output() {
  if (made_output_) return;
  made_output_ = true;
  output_ = open_folder(AT_FDCWD, (runs_dir_ / (id_ + std::string(kOutputSuffix))).string());
}

std::string RunFiles::run_of_entry(const std::string& entry) {
  const std::size_t size = entry.size() - std::min(entry.size(), kOutputSuffix.size());
  if (entry.substr(size) == kOutputSuffix) return entry.substr(0, size);
  return entry;
}

}  // namespace podium
