// A storage that is sound but for the defect in its name. Blobs live as long as the process.
#include <podium/plugin.hpp>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "defect.hpp"

namespace {

using namespace podium::sdk;

struct Blobs {
  std::mutex mutex;
  std::map<std::string, std::string> content;
};

/// The blobs of a root, shared by the instances that come after each other.
std::shared_ptr<Blobs> blobs_of(const std::string& root) {
  static std::map<std::string, std::shared_ptr<Blobs>> all;
  if (has_defect("forgets")) return std::make_shared<Blobs>();
  auto& found = all[root];
  if (!found) found = std::make_shared<Blobs>();
  return found;
}

/// A content on its way, in parts of ten bytes and more.
class Arriving final : public Parts {
 public:
  Arriving(std::shared_ptr<Blobs> blobs, std::string key)
      : blobs_(std::move(blobs)), key_(std::move(key)) {}
  ~Arriving() override {
    if (has_defect("finishes_at_the_end")) keep();
  }

  void put(std::uint32_t number, int descriptor, std::uint64_t offset,
           std::uint64_t length) override {
    const bool alone = ++inside_ == 1;
    if (has_defect("one_part_at_a_time"))
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    std::string part(length, '\0');
    const ssize_t n = ::pread(descriptor, part.data(), length, static_cast<off_t>(offset));
    const bool disturbed = has_defect("one_part_at_a_time") && (!alone || inside_ > 1);
    --inside_;
    const std::lock_guard lock(blobs_->mutex);
    if (n < 0 || static_cast<std::uint64_t>(n) != length) {
      if (has_defect("spoils_a_failed_part")) parts_[number] = "";
      if (!has_defect("takes_short_parts"))
        throw Error(PODIUM_INVALID_ARGUMENT, "the part is not in the file");
      part.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    }
    if (disturbed) part.assign(length, '?');
    if (has_defect("parts_by_arrival")) number = static_cast<std::uint32_t>(parts_.size() + 1);
    if (has_defect("spoils_a_failed_part")) {
      parts_.emplace(number, std::move(part));
    } else {
      parts_[number] = std::move(part);
    }
    if (has_defect("shows_parts") && parts_.size() == 2)
      blobs_->content[key_] = parts_.begin()->second;
  }

  void finish(std::uint64_t length) override {
    const std::lock_guard lock(blobs_->mutex);
    std::uint32_t expected = 1;
    for (const auto& part : parts_) {
      if (part.first != expected++ && !has_defect("finishes_gaps"))
        throw Error(PODIUM_INVALID_ARGUMENT, "a part is missing");
    }
    const std::string whole = joined();
    if (whole.size() != length && !has_defect("finishes_gaps") &&
        !has_defect("spoils_a_failed_part")) {
      throw Error(PODIUM_INVALID_ARGUMENT, "the parts are not as long as the content");
    }
    blobs_->content[key_] = whole;
    finished_ = true;
  }

 private:
  std::string joined() const {
    std::string whole;
    for (const auto& part : parts_) whole += part.second;
    return whole;
  }
  void keep() {
    const std::lock_guard lock(blobs_->mutex);
    if (!finished_ && !parts_.empty() && key_ == "new") blobs_->content[key_] = joined();
  }

  std::shared_ptr<Blobs> blobs_;
  std::string key_;
  std::map<std::uint32_t, std::string> parts_;
  std::atomic<int> inside_{0};
  bool finished_ = false;
};

class Family final : public Storage, public PutParts {
 public:
  static constexpr podium_option kOptions[] = {
      option_string("root", "", "Blobs of one name are the same")};

  Family(Host, const Options& options) : blobs_(blobs_of(options.string("root"))) {}

  void put(std::string_view key, const Source& source) override {
    const Overlap overlap(key);
    std::string content = read(source);
    std::unique_lock lock(blobs_->mutex);
    std::string& kept = blobs_->content[name_of(key)];
    if (has_defect("keeps_the_tail") && content.size() < 100 && kept.size() > content.size()) {
      content += kept.substr(content.size());
    }
    if (has_defect("mixes")) {  // in two steps, and others may look between them
      kept.replace(0, std::min(kept.size(), content.size() / 2),
                   content.substr(0, content.size() / 2));
      lock.unlock();
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      lock.lock();
      blobs_->content[name_of(key)] = content;
      return;
    }
    kept = std::move(content);
  }

  void get(std::string_view key, std::uint64_t offset, std::uint64_t length,
           const BlobSink& sink) override {
    const Overlap overlap(key);
    const std::string content = find(key);
    if (offset > content.size() || (length != UINT64_MAX && length > content.size() - offset)) {
      throw Error(PODIUM_INVALID_ARGUMENT, "the range ends behind the blob");
    }
    if (has_defect("ignores_offset")) offset = 0;
    const std::string_view range = std::string_view(content).substr(offset, length);
    if (overlap.disturbed) return sink.write("disturbed");
    for (std::size_t at = 0; at < range.size() || at == 0; at += 65'536) {
      try {
        if (!range.empty()) sink.write(range.substr(at, 65'536));
      } catch (const Error&) {
        if (!has_defect("ignores_the_reader")) throw;
      }
    }
  }

  Blob head(std::string_view key) override {
    const std::lock_guard lock(blobs_->mutex);
    const auto found = blobs_->content.find(name_of(key));
    if (found == blobs_->content.end() && has_defect("heads_what_is_missing")) return {};
    if (found == blobs_->content.end()) throw missing();
    return {{}, found->second.size(), 1};
  }

  void list(std::string_view prefix, const BlobVisitor& each) override {
    const auto copy = [&] {
      const std::lock_guard lock(blobs_->mutex);
      return blobs_->content;
    }();
    for (const auto& [key, content] : copy) {
      if (!key.starts_with(prefix) && !has_defect("lists_all")) continue;
      if (!each({key, content.size(), 1}) && !has_defect("never_stops")) return;
    }
  }

  std::uint64_t part_size() const noexcept override { return 4096; }
  std::unique_ptr<Parts> begin_parts(std::string_view key) override {
    return std::make_unique<Arriving>(blobs_, std::string(key));
  }

  void remove(std::string_view key) override {
    const std::lock_guard lock(blobs_->mutex);
    if (blobs_->content.erase(name_of(key)) == 0 && has_defect("removes_once")) throw missing();
  }

 private:
  /// Two calls at a time for keys of one kind, where the defect cannot bear it.
  struct Overlap {
    explicit Overlap(std::string_view key)
        : counts(has_defect("one_at_a_time") && key.starts_with("key")) {
      if (!counts) return;
      disturbed = ++inside() > 1;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      disturbed = disturbed || inside() > 1;
    }
    ~Overlap() {
      if (counts) --inside();
    }
    static std::atomic<int>& inside() {
      static std::atomic<int> count{0};
      return count;
    }
    bool counts, disturbed = false;
  };

  static Error missing() {
    return {PODIUM_NOT_FOUND, has_defect("says_nothing") ? "" : "there is no such blob"};
  }

  static std::string name_of(std::string_view key) {
    std::string name(key);
    if (!has_defect("folds_case")) return name;
    for (char& c : name) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return name;
  }

  static std::string read(const Source& source) {
    std::string content, piece(65'536, '\0');
    try {
      while (const std::size_t n = source.read(piece.data(), piece.size()))
        content.append(piece, 0, n);
    } catch (const Error&) {
      if (!has_defect("keeps_the_beginning")) throw;
    }
    if (source.expected() && *source.expected() != content.size() &&
        !has_defect("takes_any_length")) {
      throw Error(PODIUM_INVALID_ARGUMENT, "the sender gave another length than it said");
    }
    if (has_defect("cuts_large") && content.size() > 8u << 20) content.resize(8u << 20);
    if (has_defect("cuts_unknown_lengths") && !source.expected() && content.size() > 50'000)
      content.resize(50'000);
    if (has_defect("takes_nul_for_the_end") && content.starts_with('\0')) content.clear();
    return content;
  }

  std::string find(std::string_view key) {
    const std::lock_guard lock(blobs_->mutex);
    const auto found = blobs_->content.find(name_of(key));
    if (found == blobs_->content.end()) throw missing();
    return found->second;
  }

  std::shared_ptr<Blobs> blobs_;
};

/// What the SDK's own thunks would not let pass.
podium_code raw_head(void* self, podium_bytes key, podium_blob* out, podium_error* err) {
  const podium_code code = detail::StorageThunks<Family>::head(self, key, out, err);
  if (code != PODIUM_OK && has_defect("writes_to_a_null_error"))
    std::strcpy(err->message, "there is no such blob");
  return code == PODIUM_INVALID_ARGUMENT && has_defect("takes_any_key") ? PODIUM_OK : code;
}

podium_code create(const podium_host* host, const podium_config* config, std::uint32_t flags,
                   podium_storage* out, podium_error* err) {
  const podium_code code =
      detail::create<Family, podium_storage, detail::StorageThunks>(host, config, flags, out, err);
  if (code == PODIUM_OK) out->head = raw_head;
  return code;
}

const void* get_factory(const char* id) {
  static const podium_storage_factory kFactory{sizeof(podium_storage_factory), 0,
                                               detail::option_table<Family>(), create};
  return std::strcmp(id, PODIUM_FACTORY_STORAGE) == 0 ? &kFactory : nullptr;
}

}  // namespace

constinit const podium_plugin podium_plugin_v1 = {sizeof(podium_plugin),
                                                  PODIUM_ABI_MAJOR,
                                                  PODIUM_ABI_MINOR,
                                                  0,
                                                  "org.podium.test.family",
                                                  "1.0.0",
                                                  "A storage with one defect",
                                                  get_factory};
