#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/failure.hpp"
#include "base/json.hpp"
#include "http/head.hpp"
#include "http/status.hpp"

namespace podium {

/// An answer that is known as a whole.
struct Answer {
  int status = 200;
  std::string media_type;  ///< empty: no Content-Type
  std::string body;
  HeaderList headers;  ///< beside the standard ones; Cache-Control and
                       ///< Content-Security-Policy here replace theirs
};

Answer json_answer(int status, const Json& value);

/// The error body of http-api.md for a failure. What Code::kInternal says stays in the log: the
/// answer says only that it is there, under the request's id.
Answer error_answer(const Failure& failure, std::string_view request_id);
/// The same for what only HTTP knows.
Answer error_answer(const Refusal& refusal, std::string_view request_id);

/// The sentence a client may read for this failure.
std::string public_message(const Failure& failure, std::string_view request_id);

/// How the body of an answer is delimited on the wire.
enum class Framing {
  kLength,   ///< Content-Length
  kChunked,  ///< Transfer-Encoding: chunked
  kClose     ///< by the end of the connection: streams for HTTP/1.0
};

/// What stands in the head of an answer beside its own headers.
struct HeadFacts {
  std::string_view request_id;
  Framing framing = Framing::kLength;
  std::optional<std::uint64_t> length;  ///< with kLength; none: a status without a body
  bool keep_alive = false;
};

/// The head as it goes on the wire, empty line included, with all the headers of http-api.md,
/// "Every response".
std::string serialize_head(const Answer& answer, const HeadFacts& facts);

/// `data` as one chunk of a chunked body; nothing for empty data, which would end the body.
std::string as_chunk(std::string_view data);

/// A client's X-Request-ID when it may be echoed ([A-Za-z0-9._-]{1,64}), else a new id.
std::string choose_request_id(const std::string* from_client);

}  // namespace podium
