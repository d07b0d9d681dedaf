#pragma once
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>

namespace podium {

/// The ABI promises plugins one [init] call at a time: who makes one holds the turn meanwhile. Any
/// thread. Must outlive what it gives out.
class InitTurn {
 public:
  /// Gives the turn back at its end.
  class Held {
   public:
    Held(InitTurn& of, std::uint64_t ticket) : of_(of), ticket_(ticket) {}
    ~Held() { of_.leave(ticket_); }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

   private:
    InitTurn& of_;
    const std::uint64_t ticket_;
  };

  /// Waits for the turn to call into that library. Throws Failure(kUnavailable) when a call into it
  /// was given up and has not returned.
  Held take(const std::filesystem::path& library);

  /// Takes the turn away from the call in progress, which may never return; a promise is broken to
  /// the plugin that broke its own, and kept to all others. The library's path; "" when there is
  /// no call.
  std::string give_up() noexcept;

 private:
  void leave(std::uint64_t ticket) noexcept;

  std::mutex mutex_;
  std::condition_variable free_;
  std::uint64_t last_ = 0;
  std::uint64_t holder_ = 0;  // a ticket; 0: nobody
  std::string holders_library_;
  std::map<std::uint64_t, std::string> given_up_;  // by ticket
};

}  // namespace podium
