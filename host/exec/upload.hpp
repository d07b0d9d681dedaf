#pragma once
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/failure.hpp"
#include "exec/in_use.hpp"
#include "exec/lane.hpp"
#include "exec/service.hpp"
#include "exec/spool.hpp"

namespace podium {

/// The Upload that begin_upload makes.
///
/// What arrives is gathered to pieces; the pool hashes and spools a piece that is there, and stores
/// the file when it is whole. While the client is waited for, no thread is held and no storage
/// knows of the upload: a slow client costs at most two pieces of memory and a descriptor.
class StoredUpload : public Upload {
 public:
  /// Bytes of a piece, about.
  static constexpr std::size_t kPiece = 256 << 10;

  /// What an upload needs of its host.
  struct Host {
    asio::io_context& io;
    InUse& in_use;
    std::shared_ptr<Lane> lane;     ///< of the storage's work
    std::filesystem::path folder;   ///< for spools
    /// Removes a blob in the background.
    std::function<void(std::shared_ptr<const Generation>, std::string)> remove_blob;
    /// What a client is told of a storage's failure.
    std::function<Failure(const Failure&)> for_client;
  };

  StoredUpload(Host host, std::shared_ptr<const Generation> generation, std::string given_name,
               std::string canonical_name);
  ~StoredUpload() override;

  Task<> write(std::string chunk) override;
  Task<> finish() override;

  const std::string& given_name() const noexcept { return given_name_; }
  /// After finish: the record, with no session yet.
  FileRecord record() const;
  /// The blob stays: a record names it, or may.
  void keep() noexcept { kept_ = true; }

 private:
  struct Job;
  struct Step;
  void start(std::function<void()> work);
  Task<> last_step();

  const Host host_;
  const std::string given_name_, name_;
  const Bytes limit_;
  Bytes size_ = 0;
  bool kept_ = false;
  std::string gathered_;         ///< not yet given to the pool
  std::shared_ptr<Job> job_;
  std::shared_ptr<Step> step_;   ///< of the pool, under way or ended
};

}  // namespace podium
