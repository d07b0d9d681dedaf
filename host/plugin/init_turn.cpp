#include "plugin/init_turn.hpp"

#include <algorithm>

#include "base/failure.hpp"

namespace podium {

InitTurn::Held InitTurn::take(const std::filesystem::path& library) {
  std::unique_lock lock(mutex_);
  const std::string path = library.string();
  const auto hangs = [&] {
    return std::any_of(given_up_.begin(), given_up_.end(),
                       [&](const auto& each) { return each.second == path; });
  };
  free_.wait(lock, [&] { return holder_ == 0 || hangs(); });
  if (hangs()) {
    throw Failure(Code::kUnavailable, "an earlier call into " + path +
                                          " hangs, and it takes one at a time; mend the plugin "
                                          "and restart");
  }
  holders_library_ = path;
  holder_ = ++last_;
  return {*this, holder_};
}

std::string InitTurn::give_up() noexcept {
  std::lock_guard lock(mutex_);
  if (holder_ == 0) return {};
  std::string library = holders_library_;
  given_up_.emplace(holder_, library);
  holder_ = 0;
  free_.notify_all();
  return library;
}

void InitTurn::leave(std::uint64_t ticket) noexcept {
  std::lock_guard lock(mutex_);
  if (holder_ == ticket) {
    holder_ = 0;
  } else {
    given_up_.erase(ticket);
  }
  free_.notify_all();
}

}  // namespace podium
