#include "exec/collect.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <system_error>

#include "base/failure.hpp"
#include "base/ids.hpp"
#include "base/one_time_tag.hpp"
#include "base/sha256.hpp"
#include "base/units.hpp"
#include "exec/beneath.hpp"
#include "exec/listable_name.hpp"

namespace podium {
namespace {

std::string reason(int error) { return std::system_category().message(error); }

/// The first `size` bytes of a file, hashed while they pass, and with `tagged` given a tag. Its
/// holes are not read.
class HashedFile : public Source {
 public:
  HashedFile(int fd, Bytes size, bool tagged, const std::function<bool()>& cancelled)
      : fd_(fd), size_(size), cancelled_(cancelled) {
    if (tagged) tag_.emplace();
  }

  std::int64_t expected() const noexcept override { return static_cast<std::int64_t>(size_); }

  std::size_t read(char* buffer, std::size_t capacity) override {
    if (cancelled_()) throw Failure(Code::kCancelled, "the run was cancelled");
    std::size_t size = std::min<Bytes>(capacity, size_ - offset_);
    if (size == 0) return 0;
    if (offset_ >= extent_end_) find_extent();
    if (offset_ < extent_begin_) {
      size = std::min<Bytes>(size, extent_begin_ - offset_);
      std::memset(buffer, 0, size);
    } else {
      size = read_data(buffer, std::min<Bytes>(size, extent_end_ - offset_));
    }
    offset_ += size;
    hash_.update({buffer, size});
    if (tag_) tag_->update({buffer, size});
    return size;
  }

  bool hashes() const noexcept override { return true; }
  std::string sha256() override {
    if (digest_.empty()) digest_ = hash_.hex();
    return digest_;
  }
  /// After all of it: OneTimeTag::text(), once; empty when it is not `tagged`.
  std::string tag() { return tag_ ? tag_->text() : std::string(); }

 private:
  std::size_t read_data(char* buffer, std::size_t size) {
    ssize_t got = 0;
    do got = ::pread(fd_, buffer, size, static_cast<off_t>(offset_));
    while (got < 0 && errno == EINTR);
    if (got < 0) throw Failure(Code::kInternal, "reading an output: " + reason(errno));
    if (got == 0) throw Failure(Code::kInternal, "an output became shorter while it was read");
    return static_cast<std::size_t>(got);
  }

  /// Finds the next bytes that are there; what lies before them is a hole.
  void find_extent() {
    extent_begin_ = offset_;
    extent_end_ = size_;
    const off_t data = ::lseek(fd_, static_cast<off_t>(offset_), SEEK_DATA);
    if (data < 0) {
      if (errno == ENXIO) extent_begin_ = size_;  // only a hole is left
      return;  // otherwise this file system does not tell: everything is read
    }
    extent_begin_ = std::min(static_cast<Bytes>(data), size_);
    const off_t hole = ::lseek(fd_, data, SEEK_HOLE);
    if (hole > data) extent_end_ = std::min(static_cast<Bytes>(hole), size_);
  }

  int fd_;
  Bytes size_, offset_ = 0;
  Bytes extent_begin_ = 0, extent_end_ = 0;
  const std::function<bool()>& cancelled_;
  Sha256 hash_;
  std::optional<OneTimeTag> tag_;
  std::string digest_;
};

std::string hash_of(int fd, Bytes size, const std::function<bool()>& cancelled) {
  HashedFile file(fd, size, false, cancelled);
  std::vector<char> buffer(256 << 10);
  while (file.read(buffer.data(), buffer.size()) > 0) {
  }
  return file.sha256();
}

class Collector {
 public:
  Collector(const CollectRequest& request, Survey found, const std::vector<InputFile>& inputs,
            Storage& storage, InUse& in_use, const std::function<bool()>& cancelled)
      : request_(request),
        found_(std::move(found.files)),
        storage_(storage),
        in_use_(in_use),
        cancelled_(cancelled),
        left_out_(std::move(found.left_out)) {
    for (const InputFile& input : inputs) inputs_[input.name] = &input;
  }

  Collection run() {
    try {
      gather();
    } catch (...) {
      discard(result_, storage_);
      throw;
    }
    result_.left_out = left_out_.take();
    return std::move(result_);
  }

 private:
  void gather() {
    for (const FoundFile& file : found_) {
      if (cancelled_()) throw Failure(Code::kCancelled, "the run was cancelled");
      consider(file.path);
    }
    if (over_count_ > 0) {
      left_out_.say(std::to_string(over_count_) + " files were left out: a run may leave at most " +
                    std::to_string(request_.bounds.max_files) + " files.");
    }
    if (not_stored_ > 0) {
      left_out_.say(std::to_string(not_stored_) +
                    " files could not be stored: the storage does not answer as it should.");
    }
    find_deleted();
  }

  void consider(const std::string& path) {
    const auto found = inputs_.find(path);
    const InputFile* input = found == inputs_.end() ? nullptr : found->second;
    if (input && input->file.read_only) return;
    UniqueFd fd = open_beneath(request_.changes, path.c_str(), O_RDONLY);
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0) return left_out_.add(path, reason(errno));
    if (!S_ISREG(info.st_mode)) return left_out_.add(path, "it is no regular file");
    const auto size = static_cast<Bytes>(info.st_size);
    if (input && size == input->file.size &&
        hash_of(fd.get(), size, cancelled_) == input->file.sha256) {
      return;
    }
    if (input) result_.changed.insert(path);
    if (fits(path, size)) store(path, fd.get(), size, input);
  }

  bool fits(const std::string& path, Bytes size) {
    if (result_.files.size() >= request_.bounds.max_files) {
      ++over_count_;
      return false;
    }
    if (size > request_.max_file) {
      left_out_.add(path, "it has " + std::to_string(size) +
                              " bytes, and a file may have at most " +
                              format_size(request_.max_file));
      return false;
    }
    if (size > request_.bounds.max_total - total_) {
      left_out_.add(path, "it has " + std::to_string(size) +
                              " bytes, and the files of a run may have at most " +
                              format_size(request_.bounds.max_total) + " together");
      return false;
    }
    return true;
  }

  void store(const std::string& path, int fd, Bytes size, const InputFile* input) {
    if (storage_failed_) {
      ++not_stored_;
      return;
    }
    FileRecord record;
    record.id = new_id();
    record.blob = new_id();
    InUse::Hold hold = in_use_.hold(record.blob);
    // What has files of this machine is never fetched.
    HashedFile source(fd, size, !storage_.has_local_files(), cancelled_);
    try {
      storage_.put(record.blob, source);
    } catch (const Failure& failure) {
      if (cancelled_()) throw;
      result_.failures.push_back(failure.what());
      storage_failed_ = true;  // the others would only wait for the same answer
      ++not_stored_;
      return;
    }
    total_ += size;
    record.session = request_.session;
    record.name = unique_listable_name(path, names_);
    record.sha256 = source.sha256();
    record.tag = source.tag();
    record.size = size;
    record.origin = "output";
    record.created = epoch_ms_now();
    if (input) {
      record.modified_from = input->file.id;
      record.modified_from_session = input->file.session;
    }
    result_.files.push_back(std::move(record));
    result_.holds.push_back(std::move(hold));
  }

  void find_deleted() {
    if (request_.merged < 0) return;
    for (const auto& [name, input] : inputs_) {
      if (input->file.read_only) continue;
      if (!is_gone(name)) continue;
      result_.deleted.push_back(name);
      const std::string id = own_file(*input);
      if (!id.empty()) result_.gone.push_back(id);
    }
  }

  /// The id of the session's own file that the program saw under the input's name, or what the
  /// input stood in front of: it must not be there when the session goes on.
  std::string own_file(const InputFile& input) const {
    if (!input.covers.empty()) return input.covers;
    const bool own = input.file.session == request_.session && input.file.name == input.name;
    return own ? input.file.id : "";
  }

  /// Whether no file has that name any more; what cannot be looked at counts as there.
  bool is_gone(const std::string& name) const {
    const UniqueFd there = open_beneath(request_.merged, name.c_str(), O_PATH);
    // ELOOP: a folder on the way became a symbolic link, so the file is not where it was.
    if (!there) return errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
    // A folder, a link or a pipe in its place is not the file.
    struct stat info {};
    return ::fstat(there.get(), &info) == 0 && !S_ISREG(info.st_mode);
  }

  const CollectRequest& request_;
  const std::vector<FoundFile> found_;
  Storage& storage_;
  InUse& in_use_;
  const std::function<bool()>& cancelled_;
  std::map<std::string, const InputFile*> inputs_;
  std::set<std::string> names_;
  LeftOut left_out_;
  Collection result_;
  Bytes total_ = 0;
  std::size_t over_count_ = 0, not_stored_ = 0;
  bool storage_failed_ = false;
};

}  // namespace

Survey survey(const CollectRequest& request) {
  Survey found;
  if (request.changes < 0) return found;
  found.files = walk_regular_files(request.changes, request.bounds.max_depth, found.left_out);
  for (const FoundFile& file : found.files) {
    if (file.size <= request.max_file) found.bytes += file.size;
  }
  return found;
}

Collection collect(const CollectRequest& request, Survey found,
                   const std::vector<InputFile>& inputs, Storage& storage, InUse& in_use,
                   const std::function<bool()>& cancelled) {
  if (request.changes < 0) return {};
  return Collector(request, std::move(found), inputs, storage, in_use, cancelled).run();
}

void discard(Collection& collection, Storage& storage) noexcept {
  for (const FileRecord& file : collection.files) {
    try {
      storage.remove(file.blob);
    } catch (const std::exception&) {
      continue;  // no record names it: the sweep will find it
    }
  }
  collection.files.clear();
  collection.gone.clear();
}

}  // namespace podium
