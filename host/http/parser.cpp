#include "http/parser.hpp"

#include <utility>  // Asio 1.74's awaitable.hpp uses std::exchange without it

#include <boost/beast/http/basic_parser.hpp>

#include <limits>

#include "http/status.hpp"

namespace podium {
namespace beast = boost::beast;
namespace http = boost::beast::http;
using beast::error_code;
using beast::string_view;

/// Collects what Beast's parser finds. Fields go to a list of ours, because Beast's own container
/// moves duplicates together.
class MessageParser::Impl : public http::basic_parser<true> {
 public:
  Impl() {
    // boost::none refuses every length in 1.74; the routes bound bodies themselves.
    body_limit(std::numeric_limits<std::uint64_t>::max());
    header_limit(HeadScanner::kMaxHead * 2);
  }

  RequestHead head;
  std::string* out = nullptr;            // where content goes: either there,
  std::string_view* in_place = nullptr;  // or it is only pointed at
  bool in_body = false;
  std::uint64_t chunk_left = 0;  // of the content of the chunk that has begun

 private:
  void on_request_impl(http::verb, string_view method, string_view target, int version,
                       error_code&) override {
    head.method = std::string(method);
    head.target = std::string(target);
    head.minor_version = version - 10;
  }
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_field_impl(http::field, string_view name, string_view value, error_code&) override {
    // Trailers are read, and mean nothing here.
    if (!in_body) head.headers.add(std::string(name), std::string(value));
  }
  void on_header_impl(error_code&) override { in_body = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view body, error_code&) override {
    if (in_place != nullptr) {
      *in_place = {body.data(), body.size()};
    } else {
      out->append(body.data(), body.size());
    }
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t size, string_view, error_code&) override {
    chunk_left = size;
  }
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override {
    out->append(body.data(), body.size());
    chunk_left -= body.size();
    return body.size();
  }
  void on_finish_impl(error_code&) override {}
};

namespace {

[[noreturn]] void refuse(const error_code& ec, const char* where) {
  if (ec == http::error::bad_version) {
    throw Refusal(505, "only HTTP/1.1 and HTTP/1.0 are served");
  }
  if (ec == http::error::bad_content_length) {
    throw Refusal(400, "Content-Length is not one number of bytes");
  }
  if (ec == http::error::bad_transfer_encoding) {
    throw Refusal(400, "Transfer-Encoding conflicts with another framing header");
  }
  throw Refusal(400, std::string(where) + ": " + ec.message());
}

}  // namespace

MessageParser::MessageParser() : impl_(std::make_unique<Impl>()) {}
MessageParser::~MessageParser() = default;

RequestHead MessageParser::parse_head(std::string_view raw) {
  error_code ec;
  const std::size_t used = impl_->put(boost::asio::const_buffer(raw.data(), raw.size()), ec);
  if (ec == http::error::need_more || (!ec && used != raw.size())) {
    throw Refusal(400, "the request head is incomplete");
  }
  if (ec) refuse(ec, "the request head cannot be read");
  apply_head_rules(impl_->head);
  if (impl_->head.chunked != impl_->chunked()) {
    throw Refusal(400, "the framing of the request is ambiguous");
  }
  impl_->eager(!impl_->chunked());  // else a chunk's header or a part of its content at a time
  return std::move(impl_->head);
}

std::size_t MessageParser::parse_body(std::string_view raw, std::string& out) {
  if (complete() || raw.empty()) return 0;
  impl_->out = &out;
  std::size_t used = 0;
  error_code ec;
  while (!ec && !complete() && used < raw.size()) {
    const std::string_view rest = raw.substr(used);
    // Behind a chunk there are always at least these bytes, and Beast 1.74 asserts that it is not
    // asked about fewer of a last chunk.
    const bool at_header = impl_->chunked() && impl_->chunk_left == 0;
    if (at_header && rest.size() < std::string_view("0\r\n\r\n").size()) break;
    used += impl_->put(boost::asio::const_buffer(rest.data(), rest.size()), ec);
  }
  if (ec && ec != http::error::need_more) refuse(ec, "the request body cannot be read");
  return used;
}

std::size_t MessageParser::parse_plain_body(std::string_view raw, std::string_view& content) {
  content = {};
  if (complete() || raw.empty()) return 0;
  impl_->in_place = &content;
  error_code ec;
  const std::size_t used = impl_->put(boost::asio::const_buffer(raw.data(), raw.size()), ec);
  impl_->in_place = nullptr;
  if (ec && ec != http::error::need_more) refuse(ec, "the request body cannot be read");
  return used;
}

bool MessageParser::complete() const noexcept { return impl_->is_done(); }

}  // namespace podium
