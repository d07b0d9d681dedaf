#include "store.hpp"

#include <Poco/DateTime.h>
#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeParser.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>
#include <optional>

#include "object_name.hpp"
#include "upload.hpp"

namespace podium::s3 {

namespace {

using sdk::Error;

/// What is read is passed on in pieces of this size, which the other side looks at and writes at
/// once: larger ones do not stay in the processor's cache between the two.
constexpr std::size_t kBuffer = 512u << 10;
/// A slow store's bytes are not kept back for longer than this, to make a piece of them.
constexpr milliseconds kGatherFor{20};
constexpr std::uint64_t kLeastFilePart = 16u << 20;
/// No upload takes longer: the daemon's own bounds are far below.
constexpr std::int64_t kOldUpload_ms = 24 * 3600 * 1000;

std::string printable(std::string_view key) { return "'" + object_name(key) + "'"; }

std::int64_t modified_ms(const Head& head) {
  Poco::DateTime time;
  int zone = 0;
  const bool sound = Poco::DateTimeParser::tryParse(Poco::DateTimeFormat::HTTP_FORMAT,
                                                    head.header("last-modified"), time, zone);
  return sound ? time.timestamp().epochMicroseconds() / 1000 : 0;
}

Error out_of_range(std::string_view key, std::uint64_t size, std::uint64_t offset,
                   std::uint64_t length) {
  return {PODIUM_INVALID_ARGUMENT, printable(key) + ": has " + std::to_string(size) +
                                       " bytes, asked for " +
                                       (length == UINT64_MAX ? "all" : std::to_string(length)) +
                                       " from " + std::to_string(offset)};
}

bool fits(std::uint64_t size, std::uint64_t offset, std::uint64_t length) {
  return offset <= size && (length == UINT64_MAX || length <= size - offset);
}

/// Of "bytes 0-9/100" the 100, otherwise the length of the whole body.
std::optional<std::uint64_t> whole_size(const Head& head) {
  if (head.status != 206) return head.length;
  const std::string range = head.header("content-range");
  const auto slash = range.find('/');
  std::uint64_t size = 0;
  if (slash == range.npos ||
      std::from_chars(range.data() + slash + 1, range.data() + range.size(), size).ec !=
          std::errc()) {
    return std::nullopt;
  }
  return size;
}

/// One blob on its way out. A connection that breaks in the middle is replaced by one that goes on
/// where it broke, as long as the object is the same.
class Download {
 public:
  Download(Client& client, std::string object, std::string_view key, std::uint64_t offset,
           std::uint64_t length)
      : client_(client),
        object_(std::move(object)),
        key_(key),
        doing_("reading " + printable(key)),
        offset_(offset),
        length_(length) {}

  void run(const sdk::BlobSink& sink) {
    unsigned tries = 0;
    for (;;) {
      const std::uint64_t before = at_;
      try {
        return pass(sink);
      } catch (const Broken& broken) {
        tries = at_ > before ? 1 : tries + 1;
        if (!client_.pause_before_try(tries)) {
          client_.lost(broken.what());
          throw Error(PODIUM_UNAVAILABLE, doing_ + ": " + broken.what());
        }
        ++client_.counters().retries;
      }
    }
  }

 private:
  void pass(const sdk::BlobSink& sink) {
    OpenAnswer answer = client_.open(doing_, request());
    begin(answer.head);
    const auto largest = static_cast<std::size_t>(std::min<std::uint64_t>(kBuffer, end_ - at_));
    const std::unique_ptr<char[]> buffer(new char[largest]);
    while (at_ < end_) {
      const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(largest, end_ - at_));
      std::optional<Broken> broken;
      const std::size_t count = gather(*answer.connection, buffer.get(), wanted, broken);
      client_.counters().received += count;
      // What came before it broke is not asked for again.
      if (count > 0) sink.write({buffer.get(), count});
      at_ += count;
      if (broken) throw *broken;
      if (count == 0) {
        throw Error(PODIUM_UNAVAILABLE, doing_ + ": the store gave fewer bytes than it promised");
      }
    }
  }

  /// Fills the buffer, as far as that goes without delay; fewer at the end, and when it `broke`.
  static std::size_t gather(Connection& connection, char* buffer, std::size_t wanted,
                            std::optional<Broken>& broke) {
    const auto until = std::chrono::steady_clock::now() + kGatherFor;
    std::size_t count = 0;
    try {
      do {
        const std::size_t got = connection.read(buffer + count, wanted - count);
        if (got == 0) break;
        count += got;
      } while (count < wanted && std::chrono::steady_clock::now() < until);
    } catch (const Broken& broken) {
      broke = broken;
    }
    return count;
  }

  Request request() const {
    Request request{"GET", object_, {}, {}};
    const std::uint64_t from = offset_ + at_;
    std::string range = "bytes=" + std::to_string(from) + "-";
    if (length_ != UINT64_MAX) range += std::to_string(offset_ + length_ - 1);
    if (from > 0 || length_ != UINT64_MAX) request.headers["range"] = range;
    if (!etag_.empty()) request.headers["if-match"] = etag_;
    return request;
  }

  void begin(const Head& head) {
    const auto size = whole_size(head);
    if (!size || !head.length) {
      throw Error(PODIUM_UNAVAILABLE, doing_ + ": the store does not say how long the object is");
    }
    if (!fits(*size, offset_, length_)) throw out_of_range(key_, *size, offset_, length_);
    if (head.status != 206 && offset_ + at_ > 0) {
      throw Error(PODIUM_UNAVAILABLE, doing_ + ": the store does not know ranges");
    }
    etag_ = head.header("etag");
    end_ = length_ == UINT64_MAX ? *size - offset_ : length_;
    if (*head.length < end_ - at_) {
      throw Error(PODIUM_UNAVAILABLE,
                  doing_ + ": the store gives another range than was asked for");
    }
  }

  Client& client_;
  const std::string object_, key_, doing_;
  const std::uint64_t offset_, length_;
  std::uint64_t at_ = 0;   // bytes passed on
  std::uint64_t end_ = 0;  // bytes to pass on in all, once known
  std::string etag_;
};

}  // namespace

Store::Store(sdk::Host host, Settings settings) : host_(host), client_(std::move(settings)) {}

std::string Store::object_of(std::string_view key) const {
  return client_.settings().prefix + object_name(key);
}

void Store::put(std::string_view key, const sdk::Source& source) {
  upload(client_, host_, object_of(key), "storing " + printable(key), source);
}

/// They come from files and not from memory: larger ones than those of put cost less.
std::uint64_t Store::part_size() const noexcept {
  return std::max<std::uint64_t>(kLeastFilePart, client_.settings().part_size);
}

std::unique_ptr<PartedObject> Store::begin_parts(std::string_view key) {
  return std::make_unique<PartedObject>(client_, host_, object_of(key),
                                        "storing " + printable(key));
}

void Store::get(std::string_view key, std::uint64_t offset, std::uint64_t length,
                const sdk::BlobSink& sink) {
  // Ranges of S3 name their last byte: none has no bytes, and none can end beyond 2^64.
  const bool beyond = length != UINT64_MAX && length > UINT64_MAX - offset;
  if (length == 0 || beyond) {
    const sdk::Blob blob = head(key);
    if (!fits(blob.length, offset, length)) throw out_of_range(key, blob.length, offset, length);
    return;
  }
  try {
    Download(client_, object_of(key), key, offset, length).run(sink);
  } catch (const Refusal& refusal) {
    if (refusal.status() != 416) throw;
    const sdk::Blob blob = head(key);
    if (!fits(blob.length, offset, length)) throw out_of_range(key, blob.length, offset, length);
  }
}

sdk::Blob Store::head(std::string_view key) {
  const Request request{"HEAD", object_of(key), {}, {}};
  const Head head = client_.call("looking for " + printable(key), request).head;
  return {{}, head.length.value_or(0), modified_ms(head)};
}

void Store::list(std::string_view prefix, const sdk::BlobVisitor& each) {
  const std::string& own = client_.settings().prefix;
  std::string token;
  do {
    Request request{"GET", "", {{"list-type", "2"}, {"encoding-type", "url"}}, {}};
    const std::string wanted = own + object_name(prefix);
    if (!wanted.empty()) request.query.emplace_back("prefix", wanted);
    if (!token.empty()) request.query.emplace_back("continuation-token", token);
    const Listing page = parse_listing(client_.call("listing the objects", request).body);
    for (const ListedObject& object : page.objects) {
      const std::string_view name = object.name;
      if (!name.starts_with(own)) continue;
      // What is no name of ours belongs to somebody else.
      const std::optional<std::string> key = key_of(name.substr(own.size()));
      if (key && !each({*key, object.size, object.modified_ms})) return;
    }
    token = page.next;
  } while (!token.empty());
}

void Store::remove(std::string_view key) {
  try {
    client_.call("removing " + printable(key), {"DELETE", object_of(key), {}, {}});
  } catch (const Refusal& refusal) {
    if (refusal.code() != PODIUM_NOT_FOUND) throw;
  }
}

std::uint64_t Store::sweep() {
  const std::string& own = client_.settings().prefix;
  Request request{"GET", "", {{"uploads", ""}, {"encoding-type", "url"}}, {}};
  if (!own.empty()) request.query.emplace_back("prefix", own);
  const auto first_page = request.query;
  std::uint64_t ended = 0;
  for (std::string before;;) {
    const PendingUploads page =
        parse_pending_uploads(client_.call("looking for old uploads", request).body);
    for (const PendingUpload& upload : page.uploads) ended += end_old(upload);
    const std::string next = page.next_object + '\n' + page.next_id;
    // A store that does not go on would be asked for ever.
    if (page.next_object.empty() || next == before) return ended;
    before = next;
    request.query = first_page;
    request.query.emplace_back("key-marker", page.next_object);
    if (!page.next_id.empty()) request.query.emplace_back("upload-id-marker", page.next_id);
  }
}

/// Ends an upload of ours that is so old that nobody goes on with it. True when it has.
bool Store::end_old(const PendingUpload& upload) {
  const std::string& own = client_.settings().prefix;
  const bool ours = upload.object.starts_with(own) &&
                    key_of(std::string_view(upload.object).substr(own.size())).has_value();
  if (!ours || upload.begun_ms == 0 || now_ms() - upload.begun_ms < kOldUpload_ms) return false;
  try {
    client_.call("ending an old upload", {"DELETE", upload.object, {{"uploadId", upload.id}}, {}});
    return true;
  } catch (const Refusal& refusal) {
    if (refusal.code() != PODIUM_NOT_FOUND) throw;
    return false;
  }
}

sdk::HealthReport Store::health(milliseconds deadline) {
  const Settings& settings = client_.settings();
  std::string detail = "{\"endpoint\":" + sdk::detail::json_quote(settings.endpoint()) +
                       ",\"bucket\":" + sdk::detail::json_quote(settings.bucket) +
                       ",\"idle_connections\":" + std::to_string(client_.idle_connections());
  podium_health_state state = PODIUM_HEALTHY;
  try {
    Request request{"GET", "", {{"list-type", "2"}, {"max-keys", "1"}}, {}};
    if (!settings.prefix.empty()) request.query.emplace_back("prefix", settings.prefix);
    client_.probe("asking for the bucket " + settings.bucket, request, deadline * 8 / 10);
  } catch (const Refusal& refusal) {
    // The first put makes it.
    const bool to_come = refusal.name() == "NoSuchBucket" && settings.create_bucket;
    if (!to_come) {
      state = PODIUM_UNHEALTHY;
      detail += ",\"error\":" + sdk::detail::json_quote(refusal.what());
    }
  } catch (const Error& error) {
    state = PODIUM_UNHEALTHY;
    detail += ",\"error\":" + sdk::detail::json_quote(error.what());
  }
  return {state, detail + "}"};
}

void Store::collect(const sdk::MetricSink& metrics) const {
  const ClientCounters& counters = client_.counters();
  const auto value = [](const std::atomic<std::uint64_t>& counter) {
    return static_cast<double>(counter.load());
  };
  metrics.counter("podium_store_requests_total", "Requests to the store.",
                  value(counters.requests));
  metrics.counter("podium_store_retries_total", "Requests to the store that were tried again.",
                  value(counters.retries));
  metrics.counter("podium_store_failures_total", "Requests that the store did not answer.",
                  value(counters.failures));
  metrics.counter("podium_store_sent_bytes_total", "Bytes of content sent to the store.",
                  value(counters.sent));
  metrics.counter("podium_store_received_bytes_total", "Bytes received from the store.",
                  value(counters.received));
}

}  // namespace podium::s3
