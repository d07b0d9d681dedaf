#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace podium {

/// Ids that the sweep must leave alone: sessions a run reads from or writes to, blobs that no
/// record names yet, directories of runs. Ids are unguessable, so one set holds all kinds.
/// Any thread.
class InUse : public std::enable_shared_from_this<InUse> {
 public:
  /// Keeps one id in the set for as long as it lives.
  class Hold {
   public:
    Hold() = default;
    Hold(Hold&&) noexcept = default;
    Hold& operator=(Hold&& other) noexcept;
    ~Hold();

   private:
    friend class InUse;
    Hold(std::shared_ptr<InUse> set, std::string id) : set_(std::move(set)), id_(std::move(id)) {}
    std::shared_ptr<InUse> set_;
    std::string id_;
  };

  [[nodiscard]] Hold hold(std::string id);
  bool holds(const std::string& id) const;

 private:
  void drop(const std::string& id) noexcept;

  mutable std::mutex mutex_;
  std::unordered_map<std::string, unsigned> counts_;
};

}  // namespace podium
