#include "exec/in_use.hpp"

namespace podium {

InUse::Hold& InUse::Hold::operator=(Hold&& other) noexcept {
  if (this == &other) return *this;
  if (set_) set_->drop(id_);
  set_ = std::move(other.set_);
  id_ = std::move(other.id_);
  return *this;
}

InUse::Hold::~Hold() {
  if (set_) set_->drop(id_);
}

InUse::Hold InUse::hold(std::string id) {
  {
    std::lock_guard lock(mutex_);
    ++counts_[id];
  }
  return Hold(shared_from_this(), std::move(id));
}

bool InUse::holds(const std::string& id) const {
  std::lock_guard lock(mutex_);
  return counts_.count(id) != 0;
}

void InUse::drop(const std::string& id) noexcept {
  std::lock_guard lock(mutex_);
  const auto found = counts_.find(id);
  if (found != counts_.end() && --found->second == 0) counts_.erase(found);
}

}  // namespace podium
