#include "http/exchange.hpp"

#include <algorithm>

#include "base/ids.hpp"
#include "http/connection.hpp"
#include "http/local_host.hpp"
#include "http/routes.hpp"

namespace podium {
namespace {

constexpr std::size_t kHeadPiece = 4096;
constexpr std::size_t kMaxLoggedTarget = 256;
constexpr std::size_t kMaxJoined = 64 * 1024;  // a longer body is not copied behind its head

}  // namespace

Exchange::Exchange(Connection& connection, std::uint32_t ordinal) : connection_(connection) {
  access_.connection = connection.id();
  access_.ordinal = ordinal;
  const std::string& hsts = connection.server().hsts;
  if (connection.is_tls() && !hsts.empty()) extra_.add("Strict-Transport-Security", hsts);
}

Exchange::~Exchange() = default;

ServerState& Exchange::server() noexcept { return connection_.server(); }
HttpContext& Exchange::context() noexcept { return connection_.server().context; }

Task<bool> Exchange::run() {
  const std::uint64_t sent_before = connection_.bytes_sent();
  try {
    const bool got = co_await read_head();
    if (!got) co_return false;
    co_await handle();
  } catch (...) {
    note_failure(std::current_exception());
  }
  if (failure_ && !access_.left) co_await answer_failure();
  // Who ends his stream within the body may still read the answer; most have left.
  if (body_ && body_->cut()) access_.client_left("body");
  access_.peer = connection_.peer();
  access_.bytes_out = connection_.bytes_sent() - sent_before;
  if (body_) access_.bytes_in += body_->received();
  co_return finished_&& may_keep_ && !access_.left && !connection_.spoiled();
}

/// False when the client sent nothing.
Task<bool> Exchange::read_head() {
  parser_ = std::make_unique<MessageParser>();
  std::string& input = connection_.input();
  began_ = !input.empty();
  HeadScanner scanner;
  std::size_t size = 0;
  bool first_line = true;
  connection_.set_deadline(Connection::Clock::now() + server().http.head_timeout);
  while (size == 0) {
    if (first_line && input.starts_with("\r\n")) {
      // One empty line before a request is forgiven (RFC 9112, 2.2).
      input.erase(0, 2);
      first_line = false;
    }
    size = scanner.scan(input);
    if (size > 0) break;
    const bool more = co_await connection_.receive(kHeadPiece);
    if (!input.empty() && !began_) {
      began_ = true;
      access_.began = Access::Clock::now();
    }
    if (more) continue;
    const bool late = connection_.timed_out();
    connection_.clear_deadline();
    if (!began_) co_return false;
    if (late) throw Refusal(408, "the request head arrives too slowly");
    throw ClientGone{};
  }
  connection_.clear_deadline();
  head_ =
      std::make_unique<RequestHead>(parser_->parse_head(std::string_view(input).substr(0, size)));
  input.erase(0, size);
  access_.bytes_in = size;
  access_.method = head_->method;
  access_.target = std::string(head_->path().substr(0, kMaxLoggedTarget));
  access_.request_id = choose_request_id(head_->headers.find("X-Request-ID"));
  if (TraceContext trace = continue_trace(head_->headers.find("traceparent"))) {
    extra_.add("traceresponse", trace.traceparent());
    access_.trace = std::make_unique<const TraceContext>(std::move(trace));
  }
  head_method_ = head_->method == "HEAD";
  http_1_0_ = head_->minor_version == 0;
  client_keeps_ = head_->keep_alive;
  co_return true;
}

/// No coroutine: its frame would wait with the handler's.
Task<> Exchange::handle() {
  RouteMatch match = match_route(head_->method, head_->path(), parameters_);
  access_.route = match.pattern;
  generation_ = context().generation.get();
  if (head_->target == "*") {
    Answer answer;
    answer.status = 204;
    answer.headers.add("Allow", "GET, HEAD, POST, DELETE, OPTIONS");
    return this->answer(std::move(answer));
  }
  if (!match.open) {
    if (!generation_) throw Failure(Code::kUnavailable, "the service is starting");
    let_in(match);
  }
  if (!match.known) throw Failure(Code::kNotFound, "no such path");
  if (match.route == nullptr) {
    extra_.add("Allow", match.allowed);
    throw Refusal(405, "this path does not take that method");
  }
  body_ = std::make_unique<BodyReader>(connection_, *parser_, *head_, server().http);
  return match.route->handle(*this);
}

bool Exchange::has_credentials() const noexcept {
  const auto said = [&](std::string_view name) {
    const std::string* value = head_->headers.find(name);
    return value != nullptr && !trim_blanks(*value).empty();
  };
  return said("X-API-Key") || said("Authorization");
}

const std::string& Exchange::peer_address() const noexcept { return connection_.peer_address(); }

bool Exchange::needs_no_key() const {
  const AuthConfig& auth = config().auth;
  const std::string& peer = peer_address();
  const bool trusted = std::any_of(auth.trusted_networks.begin(), auth.trusted_networks.end(),
                                   [&](const Network& network) { return network.contains(peer); });
  return trusted || (auth.mode == AuthConfig::Mode::kNone && is_loopback(peer));
}

/// Who may ask at all, before anything of the body is read.
void Exchange::let_in(const RouteMatch& match) {
  const EpochMs now = epoch_ms_now();
  if (const auto rest = context().accounts.ledger.lockout.remaining(peer_address(), now)) {
    throw Failure(Code::kRateLimited, "too many wrong keys came from this address")
        .with_retry_after(*rest);
  }
  if (match.admin) {
    const std::shared_ptr<const KeyRing> keys = context().keys.get();
    try {
      authenticate_admin(keys ? *keys : KeyRing(), credentials());
    } catch (const Failure& failure) {
      if (failure.code() == Code::kForbidden) note_wrong_credentials();
      throw;
    }
    access_.principal = "admin";
    return;
  }
  if (match.route != nullptr && match.route->admin_too && is_admin()) {
    access_.principal = "admin";
    sees_all_ = true;
    return;
  }
  if (config().auth.mode == AuthConfig::Mode::kNone) {
    if (!needs_no_key()) {
      throw Failure(Code::kForbidden, "this address is in none of the networks that are let in");
    }
    refuse_web_pages();
  }
  const bool later = match.route != nullptr && match.route->body_key && !has_credentials();
  if (!later) authenticate(std::nullopt);
}

/// Of those who need no key: a browser sends what a web page wants it to.
void Exchange::refuse_web_pages() const {
  const std::vector<std::string>& names = config().auth.hosts;
  if (config().auth.mode == AuthConfig::Mode::kNone && is_loopback(peer_address())) {
    check_local_request(*head_, connection_.local_address(), names);
  } else {
    check_no_web_page(*head_, names);
  }
}

bool Exchange::is_admin() const {
  if (!has_credentials()) return false;
  const std::shared_ptr<const KeyRing> keys = connection_.server().context.keys.get();
  try {
    authenticate_admin(keys ? *keys : KeyRing(), credentials());
    return true;
  } catch (const Failure&) {
    return false;  // perhaps a key of another kind: who asks is found out as ever
  }
}

Credentials Exchange::credentials() const {
  const HeaderList& headers = head_->headers;
  if (headers.count("X-API-Key") > 1 || headers.count("Authorization") > 1) {
    throw Failure(Code::kMalformed, "more than one header says who is asking");
  }
  Credentials given;
  if (const std::string* value = headers.find("X-API-Key")) given.api_key_header = *value;
  if (const std::string* value = headers.find("Authorization")) given.authorization = *value;
  return given;
}

/// Missing ones do not count: clients probe without a key.
void Exchange::note_wrong_credentials() {
  HttpContext& daemon = context();
  const LockoutConfig& bounds = config().auth.lockout;
  if (!daemon.accounts.ledger.lockout.failed(bounds, peer_address(), epoch_ms_now())) return;
  daemon.log.warning("an address is locked out after too many wrong keys",
                     {{"peer", peer_address()},
                      {"seconds", static_cast<long long>(bounds.duration.count() / 1000)}});
}

void Exchange::authenticate(std::optional<std::string> body_key) {
  Credentials given = credentials();
  const bool any = has_credentials() || (body_key && !body_key->empty());
  given.body_key = std::move(body_key);
  if (!any && needs_no_key()) refuse_web_pages();
  given.trusted_peer = needs_no_key();
  const std::shared_ptr<const KeyRing> keys = context().keys.get();
  const std::shared_ptr<const TokenKeys> tokens = context().accounts.tokens.keys();
  const KeyRing none;
  try {
    principal_ = podium::authenticate(config().auth, {keys ? *keys : none, tokens.get()}, given,
                                      config().quotas);
  } catch (const Failure& failure) {
    if (any && failure.code() == Code::kUnauthenticated) note_wrong_credentials();
    throw;
  }
  access_.principal = principal_.id;
}

Task<std::string> Exchange::read_body(Bytes most, const std::function<void(Bytes)>& count) {
  body_->limit(most);
  std::string whole, piece;
  bool more = true;
  while (more) {
    more = co_await body_->next(piece);
    count(whole.size() + piece.size());
    if (whole.empty()) {
      whole.swap(piece);
    } else {
      whole += piece;
    }
  }
  co_return whole;
}

HeadFacts Exchange::facts(Framing framing) const {
  HeadFacts facts;
  facts.request_id = access_.request_id;
  facts.framing = framing;
  const bool body_read = body_done_ || (parser_ && head_ && parser_->complete());
  facts.keep_alive = may_keep_ && client_keeps_ && body_read && framing != Framing::kClose &&
                     !connection_.spoiled() && !connection_.server().closing;
  return facts;
}

Task<> Exchange::answer(Answer answer) {
  for (const HeaderField& field : extra_) answer.headers.add(field.name, field.value);
  HeadFacts head = facts(Framing::kLength);
  may_keep_ = head.keep_alive;
  if (answer.status != 204 && answer.status != 304) head.length = answer.body.size();
  std::string bytes = serialize_head(answer, head);
  const bool with_body = !head_method_ && head.length.has_value();
  const bool joined = with_body && answer.body.size() <= kMaxJoined;
  if (joined) bytes += answer.body;
  access_.status = answer.status;
  committed_ = true;
  if (with_body && !joined) {
    co_await send(bytes);
    bytes = std::move(answer.body);
  }
  co_await send_last(bytes);
  finished_ = true;
}

Connection& Exchange::take_over(int status) {
  may_keep_ = false;
  access_.status = status;
  committed_ = true;
  return connection_;
}

Task<> Exchange::begin_stream(Answer head, std::string_view first) {
  for (const HeaderField& field : extra_) head.headers.add(field.name, field.value);
  chunked_ = !http_1_0_;
  const HeadFacts wire = facts(chunked_ ? Framing::kChunked : Framing::kClose);
  may_keep_ = wire.keep_alive;
  std::string bytes = serialize_head(head, wire);
  bytes += chunked_ ? as_chunk(first) : std::string(first);
  access_.status = head.status;
  committed_ = true;
  co_await send(bytes);
}

Task<> Exchange::send_piece(std::string_view piece) {
  if (piece.empty()) co_return;
  const std::string chunk = chunked_ ? as_chunk(piece) : std::string();
  const std::string_view bytes = chunked_ ? chunk : piece;
  co_await send(bytes);
}

Task<> Exchange::end_stream(std::string_view last) {
  std::string bytes = chunked_ ? as_chunk(last) : std::string(last);
  if (chunked_) bytes += "0\r\n\r\n";
  co_await send_last(bytes);
  finished_ = true;
}

Task<> Exchange::begin_bytes(Answer head, std::uint64_t length) {
  for (const HeaderField& field : extra_) head.headers.add(field.name, field.value);
  HeadFacts wire = facts(Framing::kLength);
  may_keep_ = wire.keep_alive;
  wire.length = length;
  const std::string bytes = serialize_head(head, wire);
  access_.status = head.status;
  committed_ = true;
  co_await send(bytes);
  finished_ = head_method_ || length == 0;
}

Task<> Exchange::send_bytes(std::string_view bytes, bool last) {
  co_await send(bytes);
  finished_ = last;
}

Task<> Exchange::send(std::string_view bytes) {
  co_await connection_.send(bytes);
  if (!access_.first_byte) access_.first_byte = Access::Clock::now();
}

/// The end of the answer, and of the connection's stream when it is not kept.
Task<> Exchange::send_last(std::string_view bytes) {
  if (may_keep_) {
    co_await connection_.send(bytes);
  } else {
    co_await connection_.send_last(bytes);
  }
  if (!access_.first_byte) access_.first_byte = Access::Clock::now();
}

void Exchange::release_request() {
  body_done_ = parser_ && parser_->complete();
  if (body_) access_.bytes_in += body_->received();
  body_.reset();
  parser_.reset();
  head_.reset();
  parameters_ = {};
  connection_.release_input();
}

void Exchange::watch(std::function<void()> on_left) {
  connection_.watch([this, on_left = std::move(on_left)] {
    access_.client_left("run");
    on_left();
  });
}

void Exchange::unwatch() { connection_.unwatch(); }

/// Turns what a handler threw into the answer to send, or into facts for the log.
void Exchange::note_failure(std::exception_ptr error) {
  if (access_.request_id.empty()) access_.request_id = new_id();
  const auto note = [&](const char* what, int status, auto make) {
    access_.error = what;
    access_.ended_with_error = committed_ || status >= 500;
    if (!committed_) failure_ = std::make_unique<Answer>(make());
  };
  try {
    std::rethrow_exception(error);
  } catch (const ClientGone&) {
    access_.client_left(committed_ ? "answer" : head_ == nullptr ? "head" : "body");
  } catch (const Refusal& refusal) {
    note(refusal.what(), refusal.status(),
         [&] { return error_answer(refusal, access_.request_id); });
  } catch (const Failure& failure) {
    note(failure.what(), http_status(failure.code()),
         [&] { return error_answer(failure, access_.request_id); });
    if (failure_ && failure_->status == 429 && extra_.find("RateLimit-Remaining") == nullptr) {
      extra_.add("RateLimit-Remaining", "0");
      extra_.add("RateLimit-Reset", *failure_->headers.find("Retry-After"));
    }
  } catch (const std::exception& other) {
    note(other.what(), 500,
         [&] { return error_answer(Failure(Code::kInternal, other.what()), access_.request_id); });
  }
}

Task<> Exchange::answer_failure() {
  try {
    co_await answer(std::move(*failure_));
  } catch (const ClientGone&) {
    access_.client_left("answer");
  }
}

}  // namespace podium
