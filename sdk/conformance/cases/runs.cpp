#include "runs.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cstring>

namespace podium::conform {

bool Watched::wait(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [this] { return completions_ > 0; });
}

bool Watched::wait_for(std::string_view text, std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [&] { return out_.find(text) != std::string::npos; });
}

bool Watched::wait_for_bytes(std::size_t count, std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [&] { return out_.size() >= count; });
}

void Watched::on_output(void* ctx, std::uint32_t stream, podium_bytes chunk) noexcept {
  auto& self = *static_cast<Watched*>(ctx);
  const bool overlaps = self.inside_.fetch_add(1) > 0;
  {
    const std::lock_guard lock(self.mutex_);
    if (overlaps) ++self.overlaps_;
    if (self.completions_ > 0) ++self.late_outputs_;
    if (stream < 1 || stream > 2) {
      ++self.unknown_streams_;
    } else {
      (stream == 1 ? self.out_ : self.err_) += sdk::view(chunk);
    }
    self.changed_.notify_all();
  }
  if (self.at_output_) self.at_output_();
  --self.inside_;
}

void Watched::on_completed(void* ctx, const podium_completion* completion) noexcept {
  auto& self = *static_cast<Watched*>(ctx);
  const bool overlaps = self.inside_.fetch_add(1) > 0;
  const std::lock_guard lock(self.mutex_);
  if (overlaps) ++self.overlaps_;
  ++self.completions_;
  self.completion_size_ = completion->size;
  const std::size_t size = std::min<std::size_t>(completion->size, sizeof self.completion_);
  std::memcpy(&self.completion_, completion, size);
  if (size == sizeof self.completion_) self.message_ = sdk::view(completion->message);
  --self.inside_;
  self.changed_.notify_all();
}

namespace {

/// [A-Za-z0-9_-]{21}, another one each time.
std::string next_id() {
  static std::atomic<unsigned> counter{0};
  std::string id = "conform-" + std::to_string(::getpid()) + "-" + std::to_string(++counter);
  id.resize(21, '0');
  return id;
}

}  // namespace

OneRun::OneRun(Context& context, MadeRuntime& made, const std::string& code, Given given)
    : made_(made) {
  const Settings& settings = context.settings;
  spec_.id = next_id();
  spec_.language = settings.language;
  spec_.source_name = settings.source_name;
  spec_.command = settings.command;
  spec_.code = code;
  spec_.limits = given.limits;
  spec_.standard_input = std::move(given.standard_input);
  spec_.open_input = given.open_input;
  if (given.at_output) {
    // The lease is there before the first callback.
    seen_->at_output([this, then = std::move(given.at_output)] { then(lease_); });
  }
  if (!made->own_workspace) {
    const auto folder = context.scratch / spec_.id;
    ::mkdir(folder.c_str(), 0777);
    output_.reset(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    spec_.output = output_.get();
  }
  started_ = ask("start", [&](podium_error* error) {
    return made->start(made.self(), spec_.raw(), seen_->raw(), &lease_, error);
  });
}

OneRun::~OneRun() {
  try {
    if (started_.ok()) release();
  } catch (...) {
    // A case that judges the release calls it itself.
  }
}

void OneRun::cancel() {
  enter("cancel", [&] { made_->cancel(made_.self(), lease_); });
}

void OneRun::wait(std::chrono::milliseconds limit) {
  if (seen_->wait(limit)) return;
  made_.abandon();
  static_cast<void>(seen_.release());  // it may be called yet
  started_.code = PODIUM_CANCELLED;
  throw Broken("a run gave no completion within " + std::to_string(limit.count() / 1000) + " s",
               "exactly one completion of each run that was started");
}

void OneRun::complete() {
  must_succeed("start", started_);
  wait();
}

void OneRun::release() {
  if (!started_.ok() || !seen_) return;
  if (!seen_->wait(std::chrono::seconds(0))) {
    cancel();
    wait();
  }
  started_.code = PODIUM_CANCELLED;  // once only
  enter("release", [&] { made_->release(made_.self(), lease_); });
}

RuntimeSubject::RuntimeSubject(Context& context)
    : library(context.settings.library), made(make_runtime(context, library)) {}

const std::string& program_of(const Context& context) {
  if (context.settings.program.empty())
    throw NotRun("no program is known; say one with --program CODE");
  return context.settings.program;
}

const std::string& forever_of(const Context& context) {
  if (context.settings.forever.empty()) {
    throw NotRun("no program is known that runs until it is ended; say one with --forever CODE");
  }
  return context.settings.forever;
}

const std::string& echo_of(const Context& context) {
  if (context.settings.echo.empty()) {
    throw NotRun("no program is known that prints its standard input; say one with --echo CODE");
  }
  return context.settings.echo;
}

void exercise(Context& context, MadeRuntime& made) {
  const Settings& settings = context.settings;
  {
    OneRun run(context, made, settings.program.empty() ? "conform" : settings.program);
    if (run.started().ok()) {
      // Nobody knows what an unknown program does: one that goes on is ended.
      if (settings.program.empty() && !run.seen().wait(std::chrono::seconds(5))) run.cancel();
      run.wait();
      run.cancel();  // harmless now
      run.release();
    }
  }
  if (settings.forever.empty()) return;
  OneRun run(context, made, settings.forever);
  if (!run.started().ok()) return;
  run.cancel();
  run.wait();
  run.release();
}

}  // namespace podium::conform
