#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "plugin/generation.hpp"

namespace podium {

/// The generations to end, as a linked list: handing one over must not allocate, because it
/// happens in a deleter.
struct Reaper::State {
  using Clock = std::chrono::steady_clock;

  struct Node {
    std::shared_ptr<const Generation> generation;
    Node* next = nullptr;
  };

  explicit State(Log& to) : log(to) {}

  /// False when the thread has ended; then the caller keeps the node.
  bool hand_over(Node* node) noexcept {
    std::lock_guard lock(mutex);
    if (stopping) return false;
    (first == nullptr ? first : last->next) = node;
    last = node;
    changed.notify_all();
    return true;
  }

  void run() {
    for (;;) {
      std::unique_lock lock(mutex);
      ending = 0;
      changed.notify_all();
      changed.wait(lock, [this] { return first != nullptr || stopping; });
      if (first == nullptr) return;
      std::unique_ptr<Node> node(std::exchange(first, first->next));
      ending = node->generation->number();
      lock.unlock();
      end(*node);
    }
  }

  void end(Node& node) {
    const Clock::time_point begun = Clock::now();
    const std::uint64_t number = node.generation->number();
    node.generation.reset();
    const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - begun);
    {
      std::lock_guard lock(mutex);
      left.erase(number);
    }
    log.info("generation has ended", {{"generation", number}, {"ms", took.count()}});
  }

  Log& log;
  std::mutex mutex;
  std::condition_variable changed;
  Node* first = nullptr;                            // the one that has waited longest
  Node* last = nullptr;                             // meaningful while there is a first
  std::uint64_t ending = 0;                         // the generation that is being destroyed
  std::map<std::uint64_t, Clock::time_point> left;  // when each was replaced
  bool stopping = false;
  std::thread thread;
};

Reaper::Reaper(Log& log) : state_(std::make_shared<State>(log)) {
  state_->thread = std::thread([state = state_.get()] { state->run(); });
}

Reaper::~Reaper() {
  {
    std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->changed.notify_all();
  }
  state_->thread.join();
}

std::shared_ptr<const Generation> Reaper::adopt(std::shared_ptr<const Generation> generation) {
  const Generation* raw = generation.get();
  auto node = std::make_unique<State::Node>();
  node->generation = std::move(generation);
  // A generation that is dropped after the reaper's end is destroyed where it is dropped. Should
  // making the shared_ptr fail, it calls this deleter too.
  return {raw, [state = state_, node = node.release()](const Generation*) {
            if (!state->hand_over(node)) delete node;
          }};
}

void Reaper::replaced(std::uint64_t number) {
  std::lock_guard lock(state_->mutex);
  state_->left.emplace(number, State::Clock::now());
}

std::vector<Reaper::Left> Reaper::left() const {
  std::vector<Left> out;
  std::lock_guard lock(state_->mutex);
  const State::Clock::time_point now = State::Clock::now();
  for (const auto& [number, when] : state_->left) {
    out.push_back(
        {number, std::chrono::duration_cast<milliseconds>(now - when), number == state_->ending});
  }
  return out;
}

bool Reaper::wait(std::chrono::milliseconds patience) const {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_for(
      lock, patience, [this] { return state_->first == nullptr && state_->ending == 0; });
}

}  // namespace podium
