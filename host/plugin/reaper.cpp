#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "plugin/generation.hpp"

namespace podium {

/// The generations to end, as a linked list: handing one over must not allocate, because it
/// happens in a deleter.
struct Reaper::State {
  struct Node {
    std::shared_ptr<const Generation> generation;
    Node* next = nullptr;
  };

  explicit State(Log& to) : log(to) {}

  /// False when the thread has ended; then the caller keeps the node.
  bool hand_over(Node* node) noexcept {
    std::lock_guard lock(mutex);
    if (stopping) return false;
    node->next = std::exchange(first, node);
    changed.notify_one();
    return true;
  }

  void run() {
    for (;;) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [this] { return first != nullptr || stopping; });
      if (first == nullptr) return;
      std::unique_ptr<Node> node(std::exchange(first, first->next));
      lock.unlock();
      end(*node);
    }
  }

  void end(Node& node) {
    auto begun = std::chrono::steady_clock::now();
    std::uint64_t number = node.generation->number();
    node.generation.reset();
    auto took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begun);
    log.info("generation has ended", {{"generation", number}, {"ms", took.count()}});
  }

  Log& log;
  std::mutex mutex;
  std::condition_variable changed;
  Node* first = nullptr;
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
    state_->changed.notify_one();
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

}  // namespace podium
