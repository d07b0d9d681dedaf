#pragma once
#include <string>
#include <string_view>

namespace podium {

/// Where a request stands in its client's trace, as W3C Trace Context says (version 00).
struct TraceContext {
  std::string trace_id;   ///< 32 hexadecimal digits; empty: the client traces nothing
  std::string parent_id;  ///< 16: the client's span
  std::string span_id;    ///< 16: this request
  bool sampled = false;

  explicit operator bool() const noexcept { return !trace_id.empty(); }
  /// The header and variable for whoever this request calls: "00-TRACE-SPAN-01".
  std::string traceparent() const;
};

/// Reads a traceparent header and gives this request a span of its own. Nothing for a header that
/// breaks the rules: a trace that cannot be continued is not continued.
TraceContext continue_trace(const std::string* traceparent);

}  // namespace podium
