/// Listing, looking at, deleting and downloading files.

#include "base/file_name.hpp"
#include "base/ids.hpp"
#include "exec/transfers.hpp"
#include "http/exchange.hpp"
#include "http/json.hpp"
#include "http/range.hpp"
#include "http/routes.hpp"

namespace podium {
namespace {

constexpr Bytes kMaxPiece = 256 * 1024;
// More are written as JSON on the pool: ten thousand take tens of milliseconds.
constexpr std::size_t kQuickListing = 200;

/// The id in the path, or 404: what is no id of ours names nothing.
std::string file_id(const Exchange& exchange) {
  const std::string& id = exchange.parameter(1);
  if (!is_id(id)) throw Failure(Code::kNotFound, "File not found");
  return id;
}

/// What the query says that the file belongs to.
FileScope file_scope(const Exchange& exchange) {
  const std::string_view query = exchange.head().query();
  return {query_value(query, "kind").value_or(""), query_value(query, "id").value_or(""),
          query_value(query, "version").value_or("")};
}

/// Not found is told in the words that clients know, whatever layer found it out.
template <class T>
Task<T> or_file_not_found(Task<T> work) {
  std::optional<Failure> failure;
  try {
    co_return co_await std::move(work);
  } catch (const Failure& error) {
    failure = error;
  }
  if (failure->code() == Code::kNotFound) throw Failure(Code::kNotFound, "File not found");
  throw Failure(*failure);
}

void add_cors(HeaderList& headers) {
  headers.add("Access-Control-Allow-Origin", "*");
  headers.add("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS");
  headers.add("Access-Control-Allow-Headers", "*");
  headers.add("Access-Control-Expose-Headers",
              "Content-Disposition, Content-Length, Content-Range, ETag");
}

std::string header_or_nothing(const Exchange& exchange, std::string_view name) {
  const std::string* value = exchange.head().headers.find(name);
  return value == nullptr ? std::string() : *value;
}

/// The range asked for, when the file is still the one that If-Range names.
RangeAnswer wanted_range(const Exchange& exchange, const std::string& etag, Bytes size) {
  const std::string condition = header_or_nothing(exchange, "If-Range");
  // Strong comparison: neither weak tags nor dates.
  if (!condition.empty() && condition != etag) return {};
  return parse_range(header_or_nothing(exchange, "Range"), size);
}

Answer download_head(const FileRecord& file, const std::string& etag) {
  Answer head;
  head.media_type = std::string(media_type_of(file.name));
  head.headers.add("Content-Disposition", content_disposition(file.name));
  head.headers.add("ETag", etag);
  head.headers.add("Accept-Ranges", "bytes");
  head.headers.add("Cache-Control", "private, max-age=3600");
  return head;
}

/// How much of a file is in memory for one reader: much as long as he is quick and there is memory
/// for it.
class PieceSize {
 public:
  PieceSize(std::shared_ptr<ByteBudget> memory, Bytes most)
      : share_(std::move(memory)), most_(most) {}

  /// Of the next piece, when so much is left.
  Bytes next(Bytes left) {
    const auto now = Transfers::Clock::now();
    const bool quick = now - asked_ < Transfers::kQuick || asked_ == Transfers::Clock::time_point();
    asked_ = now;
    if (quick && share_.resize(std::min(left, kMaxPiece), most_)) return std::min(left, kMaxPiece);
    static_cast<void>(share_.resize(0, most_));
    return std::min<Bytes>(left, Transfers::kSmallPiece);
  }

 private:
  ByteShare share_;
  const Bytes most_;
  Transfers::Clock::time_point asked_;
};

/// Sends a range piece by piece: the next one is read when the client has taken the last, and no
/// thread waits for a slow reader. The first is read before the head goes out, so that a failing
/// storage is told with its true status.
Task<> send_range(Exchange& exchange, Answer head, const Download& download, ByteRange range) {
  if (exchange.is_head() || range.length == 0) {
    co_await exchange.begin_bytes(std::move(head), range.length);
    co_return;
  }
  PieceSize size(exchange.context().exec.transfer_memory(), exchange.config().http.transfers);
  Bytes wanted = size.next(range.length);
  std::string piece = co_await download.piece(range.first, wanted);
  co_await exchange.begin_bytes(std::move(head), range.length);
  Bytes sent = 0;
  while (true) {
    if (piece.empty() || piece.size() > range.length - sent) {
      throw Failure(Code::kInternal,
                    "the storage gave another number of bytes than it was asked for");
    }
    sent += piece.size();
    co_await exchange.send_bytes(piece, sent == range.length);
    if (sent == range.length) co_return;
    piece = std::string();  // before there is another
    wanted = size.next(range.length - sent);
    piece = co_await download.piece(range.first + sent, wanted);
  }
}

Answer listing(const std::vector<FileRecord>& files, FileDetail detail) {
  Json::Array list;
  list.reserve(files.size());
  const std::string now = iso8601(epoch_ms_now());
  for (const FileRecord& file : files) list.push_back(file_json(file, detail, now));
  return json_answer(200, Json(std::move(list)));
}

/// For HEAD only the record: the storage is not asked.
Task<Download> find_download(Exchange& exchange) {
  const std::string id = file_id(exchange);
  ExecService& exec = exchange.context().exec;
  FileScope scope = file_scope(exchange);
  Download download;
  if (exchange.is_head()) {
    download.file =
        co_await or_file_not_found(exec.find(exchange.principal(), id, std::move(scope)));
  } else {
    download = co_await or_file_not_found(
        exec.open(exchange.generation(), exchange.principal(), id, std::move(scope)));
  }
  co_return download;
}

}  // namespace

Task<> list_files_route(Exchange& exchange) {
  const std::string session = exchange.parameter(0);
  const FileDetail detail =
      parse_file_detail(query_value(exchange.head().query(), "detail").value_or(""));
  std::vector<FileRecord> files;
  HttpContext& context = exchange.context();
  if (is_id(session)) {
    FileScope scope = file_scope(exchange);
    files = co_await context.exec.list(exchange.principal(), session, std::move(scope));
  }
  if (files.size() <= kQuickListing) {
    co_await exchange.answer(listing(files, detail));
  } else {
    auto work = [&] { return listing(files, detail); };
    Answer answer = co_await on_pool(context.io, context.pool, work);
    co_await exchange.answer(std::move(answer));
  }
}

Task<> object_route(Exchange& exchange) {
  const std::string id = file_id(exchange);
  const FileScope scope = file_scope(exchange);
  const FileRecord file =
      co_await or_file_not_found(exchange.context().exec.find(exchange.principal(), id, scope));
  // An older version than the one asked for is uploaded again.
  if (!scope.version.empty() && !file.version.empty() && scope.version != file.version) {
    throw Failure(Code::kNotFound, "File not found");
  }
  co_await exchange.answer(json_answer(200, object_json(file, epoch_ms_now())));
}

Task<> delete_file_route(Exchange& exchange) {
  const std::string id = file_id(exchange);
  FileScope scope = file_scope(exchange);
  const FileRecord file = co_await or_file_not_found(exchange.context().exec.remove(
      exchange.generation(), exchange.principal(), id, std::move(scope)));
  Json body = Json::object({{"message", "File deleted successfully"}});
  body.set("session_id", file.session);
  body.set("fileId", file.id);
  co_await exchange.answer(json_answer(200, body));
}

Task<> download_route(Exchange& exchange) {
  add_cors(exchange.extra_headers());
  const Download download = co_await find_download(exchange);
  const FileRecord& file = download.file;
  const std::string etag = "\"" + file.sha256 + "\"";
  Answer head = download_head(file, etag);

  if (matches_etag(header_or_nothing(exchange, "If-None-Match"), etag)) {
    head.status = 304;
    head.media_type.clear();
    co_await exchange.answer(std::move(head));
    co_return;
  }
  const RangeAnswer wanted = wanted_range(exchange, etag, file.size);
  ByteRange range{0, file.size};
  if (wanted.kind == RangeAnswer::Kind::kUnsatisfiable) {
    exchange.extra_headers().add("Content-Range", "bytes */" + std::to_string(file.size));
    throw Refusal(416, "the range lies outside the file");
  }
  if (wanted.kind == RangeAnswer::Kind::kPart) {
    range = wanted.range;
    head.status = 206;
    head.headers.add("Content-Range", "bytes " + std::to_string(range.first) + "-" +
                                          std::to_string(range.first + range.length - 1) + "/" +
                                          std::to_string(file.size));
  }
  co_await send_range(exchange, std::move(head), download, range);
}

Task<> download_options_route(Exchange& exchange) {
  add_cors(exchange.extra_headers());
  Answer answer;
  answer.status = 204;
  answer.headers.add("Access-Control-Max-Age", "86400");
  co_await exchange.answer(std::move(answer));
}

}  // namespace podium
