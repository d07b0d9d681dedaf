#pragma once
/// podium.put-parts/1 of a loaded storage, for tests.

#include <podium/sdk/values.hpp>
#include <podium/testing/loaded_storage.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace podium::sdk::testing {

/// One content that is put part by part, from a file without a name.
class InParts {
 public:
  InParts(LoadedStorage& storage, std::string_view content)
      : storage_(storage),
        functions_(static_cast<const podium_put_parts*>(storage.extension(PODIUM_EXT_PUT_PARTS))),
        file_(memfd_create("parts", MFD_CLOEXEC)) {
    if (functions_ == nullptr) return;
    part_size_ = functions_->part_size(storage.self());
    while (!content.empty()) {
      const ssize_t wrote = ::write(file_.get(), content.data(), content.size());
      if (wrote <= 0) throw std::runtime_error("the content could not be written to a file");
      content.remove_prefix(static_cast<std::size_t>(wrote));
    }
  }
  InParts(const InParts&) = delete;
  InParts& operator=(const InParts&) = delete;
  ~InParts() { end(); }

  /// 0: the storage takes no parts.
  std::uint64_t part_size() const noexcept { return part_size_; }

  Outcome begin(std::string_view key) {
    return told([&](podium_error* error) {
      return functions_->begin(storage_.self(), bytes(key), &parts_, error);
    });
  }
  Outcome put(std::uint32_t number, std::uint64_t offset, std::uint64_t length) {
    return told([&](podium_error* error) {
      return functions_->put(storage_.self(), parts_, number, file_.get(), offset, length, error);
    });
  }
  Outcome finish(std::uint64_t length) {
    return told([&](podium_error* error) {
      return functions_->finish(storage_.self(), parts_, length, error);
    });
  }
  void end() {
    if (parts_ != nullptr) functions_->end(storage_.self(), std::exchange(parts_, nullptr));
  }

 private:
  template <class F>
  static Outcome told(F&& call) {
    podium_error error{};
    error.size = sizeof error;
    const podium_code code = call(&error);
    return {code, error.message};
  }

  LoadedStorage& storage_;
  const podium_put_parts* const functions_;
  const Descriptor file_;
  podium_parts* parts_ = nullptr;
  std::uint64_t part_size_ = 0;
};

}  // namespace podium::sdk::testing
