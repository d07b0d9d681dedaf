/// Storage plugin "minio": blobs as objects of MinIO or any other S3 store.

#include <podium/plugin.hpp>

#include <memory>
#include <utility>

#include "settings.hpp"
#include "store.hpp"

namespace podium::s3 {

class ObjectInParts final : public sdk::Parts {
 public:
  explicit ObjectInParts(std::unique_ptr<PartedObject> object) : object_(std::move(object)) {}

  void put(std::uint32_t number, int descriptor, std::uint64_t offset,
           std::uint64_t length) override {
    object_->send(number, {{}, "", {descriptor, offset, length}});
  }
  void finish(std::uint64_t length) override { object_->complete(length); }

 private:
  const std::unique_ptr<PartedObject> object_;
};

class MinioStorage final : public sdk::Storage,
                           public sdk::PutParts,
                           public sdk::Health,
                           public sdk::Metrics,
                           public sdk::Maintenance {
 public:
  static std::span<const podium_option> options() { return option_table(); }

  MinioStorage(sdk::Host host, const sdk::Options& options)
      : host_(host),
        connections_(static_cast<std::uint32_t>(options.integer("connections"))),
        store_(host, read_settings(options)) {}

  /// Without a word to the store: a reload must not depend on its being up.
  static void check(const sdk::Options& options) {
    const Settings settings = read_settings(options);
    ConnectionPool reads_the_authorities(settings);
  }

  std::uint32_t max_concurrency() const noexcept override { return connections_; }

  void put(std::string_view key, const sdk::Source& source) override { store_.put(key, source); }
  std::uint64_t part_size() const noexcept override { return store_.part_size(); }
  std::unique_ptr<sdk::Parts> begin_parts(std::string_view key) override {
    return std::make_unique<ObjectInParts>(store_.begin_parts(key));
  }
  void get(std::string_view key, std::uint64_t offset, std::uint64_t length,
           const sdk::BlobSink& sink) override {
    store_.get(key, offset, length, sink);
  }
  sdk::Blob head(std::string_view key) override { return store_.head(key); }
  void list(std::string_view prefix, const sdk::BlobVisitor& each) override {
    store_.list(prefix, each);
  }
  void remove(std::string_view key) override { store_.remove(key); }

  void sweep() override {
    const std::uint64_t ended = store_.sweep();
    if (ended > 0) host_.info("ended " + std::to_string(ended) + " uploads that nobody finished");
  }
  sdk::HealthReport health(std::chrono::milliseconds deadline) override {
    return store_.health(deadline);
  }
  void collect(const sdk::MetricSink& metrics) override { store_.collect(metrics); }

 private:
  sdk::Host host_;
  const std::uint32_t connections_;
  Store store_;
};

}  // namespace podium::s3

PODIUM_STORAGE_PLUGIN(podium::s3::MinioStorage, "org.podium.storage.minio", "0.1.0",
                      "Blobs as objects of MinIO or any other S3 store");
