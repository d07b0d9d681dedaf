#pragma once
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/failure.hpp"
#include "exec/in_use.hpp"
#include "exec/lane.hpp"
#include "exec/service.hpp"
#include "exec/piece_queue.hpp"
#include "exec/transfers.hpp"

namespace podium {

/// The Upload that begin_upload makes.
///
/// What arrives is gathered to pieces; the pool hashes and spools them while more arrives, and
/// stores the file when it is whole. While the client is waited for, no thread is held: a slow
/// client costs a small piece of memory and a descriptor. A quick one has larger pieces, and more
/// of them, as long as the memory of all transfers allows it.
///
/// A storage that takes content in parts gets each part when it is whole, from the spool, which is
/// then no longer than a few parts: who sends faster than the storage takes has to wait.
class StoredUpload : public Upload, private Transfers::Holder {
 public:
  /// Bytes of a piece.
  static constexpr std::size_t kPiece = 64 << 10;
  /// Bytes that arrived and are not yet in the spool, beside the piece that is gathered.
  static constexpr Bytes kMostOnWay = 7 * kPiece;
  /// Parts in the spool: two on their way, and one that arrives.
  static constexpr unsigned kParts = 3;

  /// What an upload needs of its host.
  struct Host {
    asio::io_context& io;
    InUse& in_use;
    std::shared_ptr<Lane> lane;       ///< of the storage's work
    std::shared_ptr<Lane> slow_lane;  ///< of work that waits for the storage
    std::filesystem::path folder;     ///< for spools
    std::shared_ptr<Transfers> transfers;
    /// Removes a blob in the background.
    std::function<void(std::shared_ptr<const Generation>, std::string)> remove_blob;
    /// What a client is told of a storage's failure.
    std::function<Failure(const Failure&)> for_client;
  };

  StoredUpload(Host host, std::shared_ptr<const Generation> generation, std::string given_name,
               std::string canonical_name);
  ~StoredUpload() override;

  Task<> write(std::string_view chunk) override;
  Task<> finish() override;

  const std::string& given_name() const noexcept { return given_name_; }
  /// After finish: the record, with no session yet.
  FileRecord record() const;
  /// The blob stays: a record names it, or may.
  void keep() noexcept { kept_ = true; }

 private:
  struct Job;
  struct Step;
  struct Alive {};
  std::shared_ptr<Step> start(const std::shared_ptr<Lane>& lane, std::function<void()> work);
  Task<> last_step();
  PieceQueue::Piece new_piece();
  Task<> pass_on();
  void push();
  void give_back() override;
  void send_whole_parts();
  Task<> flow();
  void send_part(Bytes length);
  Task<> part_sent();
  Task<> finish_parts();

  const Host host_;
  const std::string given_name_, name_;
  const Bytes limit_, most_memory_;  ///< of the file; of all transfers
  Bytes size_ = 0;
  bool kept_ = false;
  PieceQueue::Piece piece_;  ///< not yet given to the pool
  Transfers::Clock::time_point piece_began_;
  bool quick_ = false;  ///< the last one was filled in no time
  std::shared_ptr<Job> job_;
  std::shared_ptr<PieceQueue> pieces_;
  std::shared_ptr<Step> step_;               ///< of the pool, under way or ended
  Bytes spooled_ = 0;                        ///< given to the pool
  const Bytes part_size_;                    ///< 0: the storage takes no parts
  std::deque<std::shared_ptr<Step>> parts_;  ///< under way, or not looked at yet
  std::uint32_t last_part_ = 0;
  Bytes sent_ = 0;  ///< with the parts up to that one
  const std::shared_ptr<Alive> alive_ = std::make_shared<Alive>();  ///< as long as this is
};

}  // namespace podium
