#include "exec/walk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

#include "base/failure.hpp"
#include "exec/beneath.hpp"
#include "exec/listable_name.hpp"

namespace podium {
namespace {

constexpr std::size_t kMaxSentences = 20;
/// More entries than any workspace limit in earnest; keeps a walk below a second or so.
constexpr std::size_t kMaxEntries = 100'000;

std::string error_text(int error) { return std::system_category().message(error); }

unsigned char type_of(mode_t mode) {
  if (S_ISREG(mode)) return DT_REG;
  if (S_ISDIR(mode)) return DT_DIR;
  if (S_ISLNK(mode)) return DT_LNK;
  if (S_ISFIFO(mode)) return DT_FIFO;
  if (S_ISSOCK(mode)) return DT_SOCK;
  return DT_CHR;
}

class Walk {
 public:
  Walk(unsigned max_depth, LeftOut& left_out) : max_depth_(max_depth), left_out_(left_out) {}

  void directory(UniqueFd fd, const std::string& prefix, unsigned depth) {
    struct Close {
      void operator()(DIR* stream) const { ::closedir(stream); }
    };
    std::unique_ptr<DIR, Close> stream(::fdopendir(fd.get()));
    if (!stream) return left_out_.add(prefix, error_text(errno));
    const int opened = fd.release();  // closedir closes it
    while (entries_ < kMaxEntries) {
      errno = 0;
      const dirent* entry = ::readdir(stream.get());
      if (!entry) {
        if (errno != 0) left_out_.add(prefix, error_text(errno));
        return;
      }
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      ++entries_;
      visit(opened, *entry, prefix.empty() ? std::string(name) : prefix + "/" + entry->d_name,
            depth);
    }
    if (told_) return;
    told_ = true;
    left_out_.say("The workspace has more than " + std::to_string(kMaxEntries) +
                  " entries; what lies beyond them was left out.");
  }

  std::vector<FoundFile> take() {
    std::sort(found_.begin(), found_.end(),
              [](const FoundFile& a, const FoundFile& b) { return a.path < b.path; });
    return std::move(found_);
  }

 private:
  void visit(int parent, const dirent& entry, std::string path, unsigned depth) {
    unsigned char type = entry.d_type;
    struct stat info {};
    if (type == DT_UNKNOWN || type == DT_CHR || type == DT_REG) {
      if (::fstatat(parent, entry.d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return left_out_.add(path, error_text(errno));
      }
      if (S_ISCHR(info.st_mode) && info.st_rdev == 0) return;  // whiteout: deleted
      type = type_of(info.st_mode);
    }
    switch (type) {
      case DT_REG:
        found_.push_back({std::move(path), static_cast<Bytes>(info.st_size)});
        return;
      case DT_DIR:
        return descend(parent, entry.d_name, path, depth);
      case DT_LNK:
        return not_regular(path, "a symbolic link");
      case DT_FIFO:
        return not_regular(path, "a named pipe");
      case DT_SOCK:
        return not_regular(path, "a socket");
      default:
        return not_regular(path, "a device");
    }
  }

  void descend(int parent, const char* name, const std::string& path, unsigned depth) {
    if (depth >= max_depth_) {
      return left_out_.add(path,
                           "names may have at most " + std::to_string(max_depth_) + " levels");
    }
    UniqueFd fd = open_beneath(parent, name, O_RDONLY | O_DIRECTORY);
    if (!fd) return left_out_.add(path, error_text(errno));
    directory(std::move(fd), path, depth + 1);
  }

  void not_regular(const std::string& path, const char* what) {
    left_out_.add(path, "it is " + std::string(what) + ", and only regular files are kept");
  }

  const unsigned max_depth_;
  LeftOut& left_out_;
  std::vector<FoundFile> found_;
  std::size_t entries_ = 0;
  bool told_ = false;
};

}  // namespace

void LeftOut::add(const std::string& path, const std::string& why) {
  if (sentences_.size() >= kMaxSentences) {
    ++more_;
    return;
  }
  say((path.empty() ? "A folder" : listable_name(path)) + " was left out: " + why + ".");
}

void LeftOut::say(std::string sentence) { sentences_.push_back(std::move(sentence)); }

std::vector<std::string> LeftOut::take() {
  if (more_ > 0) sentences_.push_back(std::to_string(more_) + " more were left out.");
  more_ = 0;
  return std::move(sentences_);
}

std::vector<FoundFile> walk_regular_files(int directory, unsigned max_depth, LeftOut& left_out) {
  // A descriptor of a mount that is attached nowhere cannot be listed itself, but its "." can.
  UniqueFd root = open_beneath(directory, ".", O_RDONLY | O_DIRECTORY);
  if (!root) {
    throw Failure(Code::kInternal, "the workspace cannot be read: " + error_text(errno));
  }
  Walk walk(max_depth, left_out);
  walk.directory(std::move(root), "", 1);
  return walk.take();
}

}  // namespace podium
