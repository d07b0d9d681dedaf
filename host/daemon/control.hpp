#pragma once
#include "daemon/reload.hpp"
#include "http/control.hpp"

namespace podium {

/// What the administrator may do over HTTP, by the daemon's own parts. Any thread.
class AdminControl final : public DaemonControl {
 public:
  AdminControl(ConfigSource source, Reloader& reloader, const Snapshot<Generation>& generation)
      : source_(std::move(source)), reloader_(reloader), generation_(generation) {}

  void reload(std::function<void(Outcome)> done) override;
  Json configuration() override;
  Json difference(const std::string* text) override;

 private:
  const ConfigSource source_;
  Reloader& reloader_;
  const Snapshot<Generation>& generation_;
};

}  // namespace podium
