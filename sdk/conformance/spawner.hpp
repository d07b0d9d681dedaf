#pragma once
#include <sys/types.h>

#include <filesystem>

namespace podium::conform {

/// A sandbox spawner for the runtimes that want podium.sandbox/1, as podiumd has one: a child of
/// this process that ends when every copy of the control socket is closed.
class Spawner {
 public:
  /// Throws std::runtime_error with what is missing.
  explicit Spawner(const std::filesystem::path& program);
  ~Spawner();
  Spawner(const Spawner&) = delete;
  Spawner& operator=(const Spawner&) = delete;

  int control() const noexcept { return control_; }

 private:
  std::filesystem::path folder_;
  int control_ = -1;
  pid_t pid_ = -1;
};

/// A new connection to the spawner behind a control socket; throws sdk::Error.
int connect_spawner(int control);

}  // namespace podium::conform
