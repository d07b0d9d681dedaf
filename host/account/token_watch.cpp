#include "account/token_watch.hpp"

#include "base/failure.hpp"

namespace podium {

void TokenWatch::load(const std::filesystem::path& path) {
  std::lock_guard lock(mutex_);
  std::string seen;
  std::shared_ptr<const TokenKeys> next;
  if (!path.empty()) {
    seen = TokenKeys::fingerprint(path);
    next = std::make_shared<const TokenKeys>(TokenKeys::load(path));
  }
  path_ = path;
  seen_ = std::move(seen);
  auto old = keys_.exchange(std::move(next));
}

void TokenWatch::refresh() {
  std::lock_guard lock(mutex_);
  if (path_.empty()) return;
  std::string seen = TokenKeys::fingerprint(path_);
  if (seen == seen_) return;
  seen_ = std::move(seen);
  try {
    auto next = std::make_shared<const TokenKeys>(TokenKeys::load(path_));
    const std::size_t count = next->size();
    auto old = keys_.exchange(std::move(next));
    log_.info("the keys of tokens were read again", {{"keys", count}});
  } catch (const Failure& failure) {
    log_.error("the keys of tokens have changed and cannot be used; the old ones stay valid",
               {{"why", failure.what()}});
  }
}

}  // namespace podium
