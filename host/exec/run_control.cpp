// What the request that waits for a run sees and does of it.
#include "base/failure.hpp"
#include "exec/event_queue.hpp"
#include "exec/state.hpp"

namespace podium {
namespace {

constexpr std::size_t kMostEarlyInput = 1u << 20;
/// A runtime that has taken more has a program that reads.
constexpr std::size_t kMostKeptInput = 2 * kMostEarlyInput;
/// For runtimes that do not tell when they take input again.
constexpr milliseconds kTryInputAgain{100};

[[noreturn]] void cannot_talk() {
  throw Failure(Code::kUnsupported,
                "the runtime of this program cannot be talked to while it runs: it takes neither "
                "input nor signals; give the input with the request, as \"stdin\"");
}

}  // namespace

RunControl::RunControl(asio::io_context& io) : state_(std::make_shared<State>(io)) {}
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
  if (run.stage == RunStage::kCollecting) return true;
  if (run.lease == nullptr) {
    const std::size_t size = run.kept_input.size();
    if (size > 0 && size + data.size() > kMostEarlyInput) return false;
    run.kept_input.append(data);
    return true;
  }
  if (!run.give_input() || !run.lease->write_input(data)) return false;
  if (!run.keeps_input) return true;
  run.kept_input.append(data);
  if (run.kept_input.size() > kMostKeptInput) {
    run.keeps_input = false;
    run.kept_input = std::string();
  }
  run.input_given = run.kept_input.size();
  return true;
}

Task<> RunControl::input_room() {
  const std::shared_ptr<State> run = state_;
  const auto timer = std::make_shared<Timer>(run->io);
  run->input_wait = timer;
  while (!run->input_room && run->stage < RunStage::kCollecting) {
    const bool told = run->lease == nullptr || run->lease->tells_input_room();
    if (told) {
      timer->expires_at(Timer::time_point::max());
    } else {
      timer->expires_after(kTryInputAgain);
    }
    boost::system::error_code ec;
    co_await timer->async_wait(asio::redirect_error(use_awaitable, ec));
    if (!ec) co_return;  // its time has come
  }
}

void RunControl::close_input() {
  State& run = *state_;
  if (run.deaf) cannot_talk();
  run.input_closed = true;
  run.keep_giving_input();
}

void RunControl::rest() {
  if (const auto place = state_->place.lock()) Admission::rest(*place);
}

void RunControl::resume() {
  if (const auto place = state_->place.lock()) Admission::resume(*place);
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
  return queued ? queued->admission->position(*queued) : 0;
}

void RunControl::State::attach(Lease& to, bool takes_input) {
  deaf = !takes_input;
  lease = &to;
  input_given = 0;
  end_given = false;
  if (!open_input || deaf) return;
  tell_input_room();
}

bool RunControl::State::give_input() {
  if (input_given < kept_input.size()) {
    if (!lease->write_input(std::string_view(kept_input).substr(input_given))) return false;
    input_given = kept_input.size();
  }
  if (input_closed && !end_given) {
    end_given = true;
    lease->close_input();
  }
  return true;
}

void RunControl::State::keep_giving_input() {
  if (lease == nullptr || !open_input || deaf || stage >= RunStage::kCollecting) return;
  try {
    if (give_input() || lease->tells_input_room()) return;
  } catch (const Failure&) {
    return;  // of the plugin; whoever writes next hears of it
  }
  if (!try_again) try_again = std::make_unique<Timer>(io);
  try_again->expires_after(kTryInputAgain);
  try_again->async_wait([weak = weak_from_this()](boost::system::error_code ec) {
    const std::shared_ptr<State> run = weak.lock();
    if (!ec && run) run->keep_giving_input();
  });
}

void RunControl::State::tell_input_room() {
  keep_giving_input();
  input_room = true;
  if (const auto waiting = input_wait.lock()) waiting->cancel();
}

}  // namespace podium
