#pragma once
#include <podium/sdk/host.hpp>

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "connection.hpp"
#include "outage.hpp"
#include "refusal.hpp"
#include "signature.hpp"

namespace podium::s3 {

/// What a request carries: pieces or a part of a file.
struct Payload {
  std::vector<std::string_view> pieces;  ///< borrowed; one after the other
  std::string sha256;                    ///< of all; empty: computed when it is needed
  FileRange file{};                      ///< instead of pieces, when it has a length

  bool empty() const noexcept { return pieces.empty() && file.length == 0; }
};

/// A whole answer, for those that are small.
struct Answer {
  Head head;
  std::string body;
};

/// An answer whose body is still to be read from its connection.
struct OpenAnswer {
  Head head;
  Lease connection;
};

/// Counters since the start, for metrics.
struct ClientCounters {
  std::atomic<std::uint64_t> requests{0}, retries{0}, failures{0};
  std::atomic<std::uint64_t> sent{0}, received{0};  ///< bytes of bodies
};

/// Signed requests to one store: connections used again, tries with growing pauses, and a memory
/// for its being down. Any thread.
class Client {
 public:
  explicit Client(Settings settings);

  /// The answer when it is a success (2xx). `doing` begins the message of what is thrown: Refusal,
  /// or Error(PODIUM_UNAVAILABLE) when the store gave no answer in all tries.
  Answer call(const std::string& doing, const Request& request, const Payload& payload = {});
  /// The same for a body that is read by the caller.
  OpenAnswer open(const std::string& doing, const Request& request);
  /// One try within `deadline`, whatever is known of the store.
  Answer probe(const std::string& doing, const Request& request, milliseconds deadline);

  /// What another try would be worth: a pause that grows, with jitter, and then true; false when
  /// `tries` have been enough. For those who read bodies.
  bool pause_before_try(unsigned tries) const;
  /// Tells that the store has failed to the end of a body.
  void lost(const std::string& why) { outage_.began(why); }

  const Settings& settings() const noexcept { return settings_; }
  const ClientCounters& counters() const noexcept { return counters_; }
  ClientCounters& counters() noexcept { return counters_; }
  std::size_t idle_connections() const { return pool_.idle(); }

 private:
  template <class F>
  auto with_tries(const std::string& doing, const F& once);
  OpenAnswer exchange(const Request& request, const Payload& payload);
  OpenAnswer success(const std::string& doing, OpenAnswer answer);
  Outgoing signed_request(const Request& request, const Payload& payload) const;
  void make_bucket(const std::string& reason);
  Answer whole(OpenAnswer answer);

  const Settings settings_;
  ConnectionPool pool_;
  Outage outage_;
  ClientCounters counters_;
};

/// Milliseconds since the epoch.
std::int64_t now_ms();

}  // namespace podium::s3
