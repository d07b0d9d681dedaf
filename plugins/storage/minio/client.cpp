#include "client.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <random>
#include <thread>

#include "digest/digest.hpp"

namespace podium::s3 {

namespace {

using sdk::Error;
using Clock = std::chrono::steady_clock;

/// Answers that are read whole are lists and errors; a page of 1,000 keys has some 800 KiB.
constexpr std::size_t kLargestAnswer = 8u << 20;
constexpr milliseconds kFirstPause{100}, kLongestPause{5000};

std::string amz_time(std::int64_t ms) {
  const std::time_t seconds = ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[17];
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc);
  return text;
}

std::string read_whole(Connection& connection) {
  std::string body;
  std::vector<char> buffer(64 * 1024);
  while (const std::size_t count = connection.read(buffer.data(), buffer.size())) {
    if (body.size() + count > kLargestAnswer) {
      throw Broken(Broken::Kind::kReset, "an answer of more than 8 MiB, where a list was expected");
    }
    body.append(buffer.data(), count);
  }
  return body;
}

}  // namespace

std::int64_t now_ms() {
  return std::chrono::duration_cast<milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Client::Client(Settings settings) : settings_(std::move(settings)), pool_(settings_) {}

bool Client::pause_before_try(unsigned tries) const {
  if (tries >= settings_.attempts) return false;
  const milliseconds longest =
      std::min(kLongestPause, kFirstPause * (1 << std::min(tries - 1, 6u)));
  thread_local std::minstd_rand random{std::random_device{}()};
  // At least half of it, so that a store that restarts gets some time.
  std::uniform_int_distribution<std::int64_t> part(longest.count() / 2, longest.count());
  std::this_thread::sleep_for(milliseconds(part(random)));
  return true;
}

Outgoing Client::signed_request(const Request& request, const Payload& payload) const {
  Outgoing out;
  out.method = request.method;
  out.target = request_path(settings_, request);
  const std::string query = canonical_query(request);
  if (!query.empty()) out.target += "?" + query;
  std::string sha256 = payload.sha256;
  const bool is_content = !payload.empty() && !request.object.empty();
  if (is_content && (settings_.tls || !settings_.sign_payload)) {
    sha256 = "UNSIGNED-PAYLOAD";
  } else if (sha256.empty()) {
    digest::Digest digest;
    for (const std::string_view piece : payload.pieces) digest.update(piece);
    read_range(payload.file, [&](std::string_view bytes) { digest.update(bytes); });
    sha256 = digest.hex();
  }
  out.headers = sign(settings_, request, sha256, amz_time(now_ms()));
  out.headers["host"] = settings_.host_header();
  out.headers.insert(request.headers.begin(), request.headers.end());
  out.body = payload.pieces;
  out.file = payload.file;
  return out;
}

/// One try. A connection that has been idle may have been closed by the store just now: that is no
/// failure, a new one is taken.
OpenAnswer Client::exchange(const Request& request, const Payload& payload) {
  ++counters_.requests;
  const Outgoing out = signed_request(request, payload);
  for (const bool fresh : {false, true}) {
    Lease lease(pool_, pool_.take(fresh));
    const bool used = lease->answered_before();
    try {
      Head head = lease->exchange(out);
      counters_.sent += out.size();
      return {std::move(head), std::move(lease)};
    } catch (const Broken& broken) {
      if (!used || broken.kind() != Broken::Kind::kReset) throw;
    }
  }
  throw Broken(Broken::Kind::kReset, "two connections to " + settings_.endpoint() + " broke");
}

/// The answer, or as Refusal what it says.
OpenAnswer Client::success(const std::string& doing, OpenAnswer answer) {
  if (answer.head.status / 100 == 2) return answer;
  const std::string body = read_whole(*answer.connection);
  throw make_refusal(settings_, doing, answer.head, parse_error(body), now_ms());
}

/// Tries `once` until it succeeds, is refused for good, or has been tried enough. Tries that begin
/// when twice the time-out has passed do not: a store that stalls is not waited for four times.
template <class F>
auto Client::with_tries(const std::string& doing, const F& once) {
  const bool looks = outage_.enter();
  const auto last_start = Clock::now() + 2 * settings_.timeout;
  bool made_bucket = false;
  for (unsigned tries = 1;; ++tries) {
    std::string why;
    podium_code code = PODIUM_UNAVAILABLE;
    bool again = !looks;
    try {
      auto result = once();
      outage_.ended();
      return result;
    } catch (const Refusal& refusal) {
      if (!refusal.transient()) {
        outage_.ended();
        if (refusal.name() != "NoSuchBucket" || !settings_.create_bucket || made_bucket) throw;
        made_bucket = true;
        make_bucket(refusal.what());
        --tries;
        continue;
      }
      why = refusal.what();
      code = refusal.code();
    } catch (const Broken& broken) {
      why = doing + ": " + broken.what();
      again = again && broken.kind() != Broken::Kind::kTls;
    }
    if (!again || Clock::now() >= last_start || !pause_before_try(tries)) {
      ++counters_.failures;
      outage_.began(why);
      throw Error(code, why + (tries > 1 ? " (tried " + std::to_string(tries) + " times)" : ""));
    }
    ++counters_.retries;
  }
}

Answer Client::whole(OpenAnswer answer) {
  std::string body = read_whole(*answer.connection);
  counters_.received += body.size();
  return {std::move(answer.head), std::move(body)};
}

Answer Client::call(const std::string& doing, const Request& request, const Payload& payload) {
  return with_tries(doing, [&] { return whole(success(doing, exchange(request, payload))); });
}

OpenAnswer Client::open(const std::string& doing, const Request& request) {
  return with_tries(doing, [&] { return success(doing, exchange(request, {})); });
}

Answer Client::probe(const std::string& doing, const Request& request, milliseconds deadline) {
  // To connect, to shake hands, to ask: each may take its part.
  const milliseconds part = std::max(milliseconds(1), deadline / 3);
  Lease lease(pool_.make(std::min(part, settings_.connect_timeout),
                         std::min(part, settings_.timeout)));
  try {
    Head head = lease->exchange(signed_request(request, {}));
    Answer answer = whole(success(doing, {std::move(head), std::move(lease)}));
    outage_.ended();
    return answer;
  } catch (const Broken& broken) {
    throw Error(PODIUM_UNAVAILABLE, doing + ": " + broken.what());
  }
}

/// `reason` is what the store said of the missing one.
void Client::make_bucket(const std::string& reason) {
  const std::string doing = "making the bucket " + settings_.bucket;
  Request request{"PUT", "", {}, {}};
  std::string body;
  if (settings_.region != "us-east-1") {
    body = "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
           "<LocationConstraint>" +
           settings_.region + "</LocationConstraint></CreateBucketConfiguration>";
  }
  Payload payload;
  if (!body.empty()) payload.pieces.emplace_back(body);
  try {
    whole(success(doing, exchange(request, payload)));
  } catch (const Refusal& refusal) {
    // Another daemon was faster.
    if (refusal.name() == "BucketAlreadyOwnedByYou") return;
    throw Refusal(refusal.code(), reason + "; " + refusal.what(), refusal.status(), refusal.name(),
                  false);
  } catch (const Broken& broken) {
    throw Error(PODIUM_UNAVAILABLE, reason + "; " + doing + ": " + broken.what());
  }
}

}  // namespace podium::s3
