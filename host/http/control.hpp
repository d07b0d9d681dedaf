#pragma once
#include <functional>
#include <string>

#include "base/json.hpp"

namespace podium {

/// What the daemon lets its administrator do over HTTP. Any thread.
class DaemonControl {
 public:
  virtual ~DaemonControl() = default;

  /// How a reload came out. `status` is 200, 422 for a refused configuration, or 504 for one that
  /// was given up; the body is for the administrator.
  struct Outcome {
    int status = 200;
    Json body;
  };

  /// Asks for a reload. `done` is called once, on another thread.
  virtual void reload(std::function<void(Outcome)> done) = 0;

  /// The configuration at work: {"file":…,"generation":…,"config":…,"environment":[…]}.
  virtual Json configuration() = 0;

  /// What a reload would change if its file held `text`; with nullptr, what it would change now:
  /// {"changes":[{"key","from","to","needs_restart"}],…}. Reads files. Throws Failure.
  virtual Json difference(const std::string* text) = 0;
};

}  // namespace podium
