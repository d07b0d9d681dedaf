#pragma once
#include <istream>
#include <string>

namespace podium::cli {

/// One server-sent event.
struct ServerEvent {
  std::string id, name, data;
};

/// Reads server-sent events (WHATWG HTML, 9.2.6) as podiumd writes them. Not thread-safe.
class EventReader {
 public:
  explicit EventReader(std::istream& in) : in_(in) {}

  /// Waits for the next event; comments are passed over. False at the end of the stream, where an
  /// event that is not complete counts for nothing.
  bool next(ServerEvent& event);

 private:
  std::istream& in_;
};

}  // namespace podium::cli
