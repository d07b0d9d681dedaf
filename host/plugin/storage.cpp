#include <podium/abi.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "obs/metrics.hpp"
#include "plugin/abi_sizes.hpp"
#include "plugin/plugin_instance.hpp"

namespace podium {
namespace {

/// Some parts of an upload lie in a file at a time.
constexpr Bytes kLargestPart = Bytes{1} << 30;

using AbiStorage = AbiInstance<podium_storage_factory, podium_storage>;

const char* missing_function(const podium_storage& storage) {
  if (storage.put == nullptr) return "put";
  if (storage.get == nullptr) return "get";
  if (storage.head == nullptr) return "head";
  if (storage.list == nullptr) return "list";
  if (storage.remove == nullptr) return "remove";
  if (storage.destroy == nullptr) return "destroy";
  return nullptr;
}

/// A podium_source over a Source; keeps what the Source throws for the caller of put.
class AbiSource {
 public:
  explicit AbiSource(Source& source)
      : source_(source),
        abi_{sizeof(podium_source), this, source.expected(), &read,
             source.hashes() ? &sha256 : nullptr} {}

  const podium_source* get() const noexcept { return &abi_; }
  const std::exception_ptr& error() const noexcept { return error_; }
  Bytes given() const noexcept { return given_; }

 private:
  static std::int64_t read(void* ctx, char* buffer, std::size_t capacity) noexcept {
    auto& self = *static_cast<AbiSource*>(ctx);
    if (self.error_) return -1;
    try {
      const std::size_t count = self.source_.read(buffer, capacity);
      self.given_ += count;
      return static_cast<std::int64_t>(count);
    } catch (...) {
      self.error_ = std::current_exception();
      return -1;
    }
  }

  static void sha256(void* ctx, char* digits) noexcept {
    auto& self = *static_cast<AbiSource*>(ctx);
    try {
      const std::string text = self.source_.sha256();
      std::copy_n(text.data(), std::min<std::size_t>(text.size(), 64), digits);
    } catch (...) {
      self.error_ = std::current_exception();
    }
  }

  Source& source_;
  Bytes given_ = 0;
  std::exception_ptr error_;
  const podium_source abi_;
};

/// A podium_sink over a function; counts, and keeps what the function throws.
class AbiSink {
 public:
  explicit AbiSink(const std::function<bool(std::string_view)>& write)
      : write_(write), abi_{sizeof(podium_sink), this, &push} {}

  const podium_sink* get() const noexcept { return &abi_; }
  const std::exception_ptr& error() const noexcept { return error_; }
  bool stopped() const noexcept { return stopped_; }
  Bytes written() const noexcept { return written_; }

 private:
  static bool push(void* ctx, podium_bytes chunk) noexcept {
    auto& self = *static_cast<AbiSink*>(ctx);
    if (self.stopped_) return false;
    try {
      self.written_ += chunk.size;
      if (chunk.size == 0 || self.write_(to_view(chunk))) return true;
    } catch (...) {
      self.error_ = std::current_exception();
    }
    self.stopped_ = true;
    return false;
  }

  const std::function<bool(std::string_view)>& write_;
  std::exception_ptr error_;
  bool stopped_ = false;
  Bytes written_ = 0;
  const podium_sink abi_;
};

/// The callback of one list.
struct Listing {
  const std::function<bool(const BlobInfo&)>& each;
  std::exception_ptr error;

  static bool take(void* ctx, const podium_blob* blob) noexcept {
    auto& self = *static_cast<Listing*>(ctx);
    if (self.error || blob == nullptr) return false;
    try {
      return self.each({std::string(to_view(blob->key)), blob->length, blob->modified_ms});
    } catch (...) {
      self.error = std::current_exception();
      return false;
    }
  }
};

podium_bytes checked_key(const std::string& who, const std::string& key) {
  if (key.empty() || key.size() > 200) {
    throw Failure(Code::kInvalidArgument, who + ": a key of " + std::to_string(key.size()) +
                                              " bytes, expected 1 to 200");
  }
  return to_bytes(key);
}

/// The ABI's handle of one content; `call` goes through the gate of its storage.
class PluginParts final : public PartedPut {
 public:
  /// Calls, and counts `bytes` as taken in when that went well.
  using Call = std::function<void(const char* what, Bytes bytes,
                                  const std::function<podium_code(podium_error*)>&)>;

  PluginParts(const podium_put_parts& functions, void* self, podium_parts* parts, Call call)
      : functions_(functions), self_(self), parts_(parts), call_(std::move(call)) {}
  ~PluginParts() override {
    try {
      call_("end of parts", 0, [&](podium_error*) {
        functions_.end(self_, parts_);
        return PODIUM_OK;
      });
    } catch (const std::exception&) {
      return;  // the storage's sweep finds what it could not take back
    }
  }

  void put(std::uint32_t number, int descriptor, Bytes offset, Bytes length) override {
    call_("put of a part", length, [&](podium_error* err) {
      return functions_.put(self_, parts_, number, descriptor, offset, length, err);
    });
  }
  void finish(Bytes length) override {
    call_("finish", 0, [&](podium_error* err) {
      return functions_.finish(self_, parts_, length, err);
    });
  }

 private:
  const podium_put_parts& functions_;
  void* const self_;
  podium_parts* const parts_;
  const Call call_;
};

class PluginStorage final
    : public PluginInstance<Storage, podium_storage_factory, podium_storage> {
 public:
  explicit PluginStorage(InstanceParts parts)
      : PluginStorage(parts.services.metrics ? parts.services.metrics->storage(parts.name)
                                             : StorageMeter(),
                      std::move(parts)) {}

 private:
  /// By reference: `parts` is still looked at for `meter`.
  PluginStorage(StorageMeter meter, InstanceParts&& parts)
      : PluginInstance(std::move(parts), kStorageSize10, &missing_function),
        meter_(meter),
        gate_(abi_->max_concurrency),
        local_file_(abi_.extension<podium_local_file>(PODIUM_EXT_LOCAL_FILE)),
        adopt_file_(abi_.extension<podium_adopt_file>(PODIUM_EXT_ADOPT_FILE)),
        put_parts_(abi_.extension<podium_put_parts>(PODIUM_EXT_PUT_PARTS)),
        part_size_(size_of_parts()),
        maintenance_(abi_.extension<podium_maintenance>(PODIUM_EXT_MAINTENANCE)) {}

 public:

  void put(const std::string& key, Source& source) override {
    podium_bytes name = checked_key(abi_.who(), key);
    AbiSource from(source);
    try {
      call(StorageCall::kPut, "put", [&](podium_error* err) {
        return abi_->put(abi_.self(), name, from.get(), err);
      });
    } catch (const Failure&) {
      if (!from.error()) throw;
    }
    // What the sender threw says more than the plugin's "cancelled".
    if (from.error()) std::rethrow_exception(from.error());
    meter_.took_in(from.given());
  }

  void get(const std::string& key, Bytes offset, Bytes length,
           const std::function<bool(std::string_view)>& write) override {
    podium_bytes name = checked_key(abi_.who(), key);
    AbiSink to(write);
    try {
      call(StorageCall::kGet, "get", [&](podium_error* err) {
        return abi_->get(abi_.self(), name, offset, length, to.get(), err);
      });
    } catch (const Failure&) {
      if (!to.stopped()) throw;
    }
    meter_.gave_out(to.written());
    if (to.error()) std::rethrow_exception(to.error());
    if (to.stopped()) throw Failure(Code::kCancelled, "the reader left before the end");
    if (length != std::numeric_limits<Bytes>::max() && to.written() != length) {
      throw Failure(Code::kInternal, abi_.who() + ": get gave " + std::to_string(to.written()) +
                                         " bytes, expected " + std::to_string(length));
    }
  }

  std::optional<BlobInfo> head(const std::string& key) override {
    podium_bytes name = checked_key(abi_.who(), key);
    podium_blob blob{};
    blob.size = sizeof blob;
    try {
      call(StorageCall::kHead, "head",
           [&](podium_error* err) { return abi_->head(abi_.self(), name, &blob, err); });
    } catch (const Failure& f) {
      if (f.code() == Code::kNotFound) return std::nullopt;
      throw;
    }
    return BlobInfo{key, blob.length, blob.modified_ms};
  }

  void list(const std::string& prefix,
            const std::function<bool(const BlobInfo&)>& each) override {
    Listing listing{each, nullptr};
    try {
      call(StorageCall::kList, "list", [&](podium_error* err) {
        return abi_->list(abi_.self(), to_bytes(prefix), &listing, &Listing::take, err);
      });
    } catch (const Failure&) {
      if (!listing.error) throw;
    }
    if (listing.error) std::rethrow_exception(listing.error);
  }

  void remove(const std::string& key) override {
    podium_bytes name = checked_key(abi_.who(), key);
    call(StorageCall::kRemove, "remove",
         [&](podium_error* err) { return abi_->remove(abi_.self(), name, err); });
  }

  bool has_local_files() const noexcept override { return local_file_ != nullptr; }

  UniqueFd open_local(const std::string& key) override {
    podium_bytes name = checked_key(abi_.who(), key);
    if (local_file_ == nullptr) {
      throw Failure(Code::kInternal, abi_.who() + ": its blobs are no local files");
    }
    int descriptor = -1;
    call(StorageCall::kOpen, "open", [&](podium_error* err) {
      return local_file_->open(abi_.self(), name, &descriptor, err);
    });
    if (descriptor < 0) throw Failure(Code::kInternal, abi_.who() + ": open gave no descriptor");
    return UniqueFd(descriptor);
  }

  bool adopt(const std::string& key, int descriptor, Bytes length,
             const std::string& sha256) override {
    podium_bytes name = checked_key(abi_.who(), key);
    bool adopted = false;
    if (adopt_file_ == nullptr) return false;
    call(StorageCall::kPut, "adopt", [&](podium_error* err) {
      return adopt_file_->adopt(abi_.self(), name, descriptor, length, to_bytes(sha256), &adopted,
                                err);
    });
    if (adopted) meter_.took_in(length);
    return adopted;
  }

  Bytes part_size() const noexcept override { return part_size_; }

  std::unique_ptr<PartedPut> begin_parts(const std::string& key) override {
    podium_bytes name = checked_key(abi_.who(), key);
    if (part_size_ == 0) return Storage::begin_parts(key);
    podium_parts* parts = nullptr;
    call(StorageCall::kPut, "begin of parts", [&](podium_error* err) {
      return put_parts_->begin(abi_.self(), name, &parts, err);
    });
    if (parts == nullptr) throw Failure(Code::kInternal, abi_.who() + ": begin gave no parts");
    return std::make_unique<PluginParts>(
        *put_parts_, abi_.self(), parts,
        [this](const char* what, Bytes bytes,
               const std::function<podium_code(podium_error*)>& body) {
          call(StorageCall::kPut, what, body);
          meter_.took_in(bytes);
        });
  }

  void sweep() override {
    if (maintenance_ == nullptr) return;
    call(StorageCall::kSweep, "sweep",
         [&](podium_error* err) { return maintenance_->sweep(abi_.self(), err); });
  }

 private:
  Bytes size_of_parts() const {
    Bytes size = 0;
    if (put_parts_ == nullptr) return size;
    call_plugin(abi_.who(), "part_size", [&] { size = put_parts_->part_size(abi_.self()); });
    if (size == 0 || size > kLargestPart) {
      throw Failure(Code::kInternal, abi_.who() + ": it wants parts of " + std::to_string(size) +
                                         " bytes, expected 1 to 1 GiB");
    }
    return size;
  }

  template <class F>
  void call(StorageCall kind, const char* what, F&& body) {
    CallGate::Place place = gate_.enter();
    const auto began = std::chrono::steady_clock::now();
    try {
      call_plugin_for_code(abi_.who(), what, std::forward<F>(body));
    } catch (const Failure& failure) {
      // Neither is the storage's fault.
      const bool excused =
          failure.code() == Code::kNotFound || failure.code() == Code::kCancelled;
      if (!excused) meter_.failed(kind);
      meter_.called(kind, std::chrono::steady_clock::now() - began);
      throw;
    }
    meter_.called(kind, std::chrono::steady_clock::now() - began);
  }

  const StorageMeter meter_;

  CallGate gate_;
  const podium_local_file* local_file_;
  const podium_adopt_file* adopt_file_;
  const podium_put_parts* put_parts_;
  const Bytes part_size_;  ///< 0: it has no such extension
  const podium_maintenance* maintenance_;
};

}  // namespace

std::shared_ptr<Instance> make_storage(InstanceParts parts) {
  return std::make_shared<PluginStorage>(std::move(parts));
}

void check_storage(InstanceParts parts) {
  AbiStorage dry(std::move(parts), PODIUM_DRY_RUN, kStorageSize10, &missing_function);
}

}  // namespace podium
