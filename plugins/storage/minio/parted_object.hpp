#pragma once
#include <podium/sdk/host.hpp>

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "client.hpp"

namespace podium::s3 {

/// An object that is put part by part (a multipart upload of S3). Not completed, it is taken back
/// by the destructor. Any thread.
class PartedObject {
 public:
  /// Begins it at the store. `doing` begins the message of what is thrown.
  PartedObject(Client& client, sdk::Host host, std::string object, std::string doing);
  PartedObject(const PartedObject&) = delete;
  PartedObject& operator=(const PartedObject&) = delete;
  ~PartedObject();

  /// Sends the part with this number, 1 or more; again in place of one that was sent before.
  void send(std::uint32_t number, const Payload& part);
  /// Makes the object of parts 1, 2, ..., which all have been sent: `size` bytes together.
  void complete(std::uint64_t size);

 private:
  std::string document();
  bool is_there(std::uint64_t size);

  Client& client_;
  const sdk::Host host_;
  const std::string object_, doing_;
  std::string id_;
  bool completed_ = false;
  std::mutex mutex_;
  std::vector<std::string> etags_;  ///< of the parts; empty: not sent
};

}  // namespace podium::s3
