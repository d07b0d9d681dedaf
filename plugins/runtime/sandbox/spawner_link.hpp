#pragma once
#include <podium/sdk/host.hpp>
#include <span>
#include <string>

#include "protocol.hpp"

namespace podium::sandbox {

/// A runtime's connection to the spawner. Guarded by its owner.
class SpawnerLink {
 public:
  explicit SpawnerLink(sdk::Host host) : host_(host) {}

  /// Connects and asks for the facts (waits for up to 10 s: the spawner may just be starting).
  /// Throws sdk::Error.
  void connect();
  /// Connects again after the spawner died, without asking. False while there is none.
  bool reconnect() noexcept;
  void disconnect() noexcept { socket_ = sdk::Descriptor(); }

  int fd() const noexcept { return socket_.get(); }
  /// False: the spawner is not there.
  /// `files`: an AheadPayload or nothing.
  bool ask(const NewShell& request, std::span<const int> files = {}) noexcept;
  bool ask(const NewZygote& request, std::span<const int> files) noexcept;
  bool ask(const KillShell& request) noexcept;
  bool ask(const KillZygote& request) noexcept;

  /// The limits that nothing enforces on this host, comma separated; empty: all are enforced.
  const std::string& unenforced() const noexcept { return unenforced_; }
  /// The facts as JSON.
  const std::string& facts() const noexcept { return facts_; }

 private:
  sdk::Host host_;
  sdk::Descriptor socket_;
  std::string facts_, unenforced_;
};

}  // namespace podium::sandbox
