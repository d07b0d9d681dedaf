// What the request that waits for a run sees and does of it.
#include "base/failure.hpp"
#include "exec/event_queue.hpp"
#include "exec/state.hpp"

namespace podium {
namespace {

constexpr std::size_t kMostEarlyInput = 1u << 20;
/// For runtimes that do not tell when they take input again.
constexpr milliseconds kTryInputAgain{100};

[[noreturn]] void cannot_talk() {
  throw Failure(Code::kUnsupported,
                "the runtime of this program cannot be talked to while it runs: it takes neither "
                "input nor signals; give the input with the request, as \"stdin\"");
}

}  // namespace

RunControl::RunControl(asio::io_context& io) : io_(io), state_(std::make_shared<State>()) {}
RunControl::~RunControl() = default;

const std::string& RunControl::id() const noexcept { return state_->id; }
const std::string& RunControl::session() const noexcept { return state_->session; }
void RunControl::cancel() { state_->request(); }
bool RunControl::cancelled() const noexcept { return state_->requested(); }
unsigned RunControl::position() const { return state_->position(); }

void RunControl::set_events(std::shared_ptr<EventQueue> events, bool replays) {
  state_->events = std::move(events);
  state_->replays = replays;
}

void RunControl::on_stage(std::function<void(RunStage)> listener) {
  state_->on_stage = std::move(listener);
}

void RunControl::open_input() { state_->open_input = true; }

bool RunControl::write_input(std::string_view data) {
  State& run = *state_;
  if (run.deaf) cannot_talk();
  // Before the runtime is asked: its word of room is posted to this thread, and comes later.
  run.input_room = false;
  if (run.input_closed || run.stage == RunStage::kEnded) return true;
  if (run.lease != nullptr && run.early_input.empty()) return run.lease->write_input(data);
  if (run.stage == RunStage::kCollecting) return true;
  if (run.early_input.size() + data.size() > kMostEarlyInput && !run.early_input.empty()) {
    if (run.lease == nullptr || !run.lease->write_input(run.early_input)) return false;
    run.early_input.clear();
    return run.lease->write_input(data);
  }
  run.early_input.append(data);
  return true;
}

Task<> RunControl::input_room() {
  const std::shared_ptr<State> run = state_;
  const auto timer = std::make_shared<asio::steady_timer>(io_);
  run->input_wait = timer;
  while (!run->input_room && run->stage < RunStage::kCollecting) {
    const bool told = run->lease == nullptr || run->lease->tells_input_room();
    if (told) {
      timer->expires_at(asio::steady_timer::time_point::max());
    } else {
      timer->expires_after(kTryInputAgain);
    }
    boost::system::error_code ec;
    co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, ec));
    if (!ec) co_return;  // its time has come
  }
}

void RunControl::close_input() {
  State& run = *state_;
  if (run.deaf) cannot_talk();
  run.input_closed = true;
  if (run.lease != nullptr) run.lease->close_input();
}

void RunControl::signal(int number) {
  State& run = *state_;
  if (run.deaf) cannot_talk();
  if (run.stage >= RunStage::kCollecting) return;
  if (run.lease == nullptr) throw Failure(Code::kUnavailable, "the program has not begun yet");
  run.lease->signal(number);
}

void RunControl::State::set_stage(RunStage next) {
  if (next == stage && next != RunStage::kQueued) return;
  stage = next;
  tell_input_room();
  const bool begins = next == RunStage::kCompiling || next == RunStage::kRunning;
  if (begins && !started) started = epoch_ms_now();
  if (next == RunStage::kEnded) on_stage = nullptr;
  if (on_stage) on_stage(next);
}

unsigned RunControl::State::position() const {
  const std::shared_ptr<Permit::Place> queued = place.lock();
  if (!queued || queued->running) return 0;
  const auto positions = queued->admission->positions();
  const auto at = positions.find(queued.get());
  return at == positions.end() ? 0 : at->second;
}

void RunControl::State::attach(Lease& to, bool takes_input) {
  deaf = !takes_input;
  lease = &to;
  if (!open_input || deaf) return;
  if (!early_input.empty() && to.write_input(early_input)) early_input.clear();
  if (input_closed) to.close_input();
  tell_input_room();
}

void RunControl::State::tell_input_room() {
  input_room = true;
  if (const auto waiting = input_wait.lock()) waiting->cancel();
}

}  // namespace podium
