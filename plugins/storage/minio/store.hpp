#pragma once
#include <podium/sdk/extensions.hpp>
#include <podium/sdk/storage.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "client.hpp"
#include "documents.hpp"
#include "parted_object.hpp"

namespace podium::s3 {

/// Blobs as objects of a bucket. All functions: any thread; all throw sdk::Error. Nothing is asked
/// of the store before it is needed, so that a daemon starts when its store is down.
class Store {
 public:
  Store(sdk::Host host, Settings settings);

  void put(std::string_view key, const sdk::Source& source);
  /// Bytes of the parts that begin_parts wants.
  std::uint64_t part_size() const noexcept;
  std::unique_ptr<PartedObject> begin_parts(std::string_view key);
  void get(std::string_view key, std::uint64_t offset, std::uint64_t length,
           const sdk::BlobSink& sink);
  sdk::Blob head(std::string_view key);
  void list(std::string_view prefix, const sdk::BlobVisitor& each);
  void remove(std::string_view key);

  /// Ends multipart uploads that nobody can be at any more; how many there were.
  std::uint64_t sweep();
  /// Asks for one object of the bucket: that needs the right keys, the bucket and the right clock.
  sdk::HealthReport health(milliseconds deadline);
  void collect(const sdk::MetricSink& metrics) const;

 private:
  std::string object_of(std::string_view key) const;
  bool end_old(const PendingUpload& upload);

  const sdk::Host host_;
  Client client_;
};

}  // namespace podium::s3
