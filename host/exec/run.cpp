// The straight line of a run: turn, stage, start, completion, collect, commit, answer.
#include <chrono>
#include <map>

#include "base/failure.hpp"
#include "base/ids.hpp"
#include "exec/collect.hpp"
#include "exec/outcome.hpp"
#include "exec/state.hpp"
#include "policy/command_words.hpp"
#include "policy/limits.hpp"

namespace podium {
namespace {

using Clock = std::chrono::steady_clock;

std::int64_t microseconds_since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count();
}

constexpr const char* kCancelledSentence = "The run was cancelled.";

/// A runtime's own words go to the log; a client learns what it can act on.
Failure runtime_failure(const Failure& failure, const std::string& language) {
  if (failure.code() == Code::kUnavailable || failure.code() == Code::kResourceExhausted) {
    return Failure(Code::kUnavailable, "no runtime can start a program in " + language + " now")
        .with_retry_after(std::chrono::seconds(1));
  }
  if (failure.code() == Code::kInvalidArgument) return failure;
  if (failure.code() == Code::kUnsupported) {
    return {Code::kUnsupported, "Unsupported language: " + language +
                                    " (its programs are not installed on this server)"};
  }
  return Failure(Code::kInternal, "the runtime could not run the program");
}

// More takes longer than others should wait for.
constexpr Bytes kLargeCollection = 16u << 20;

/// What lets another runtime try: nothing was started.
bool given_back(const Failure& failure) {
  return failure.code() == Code::kUnavailable || failure.code() == Code::kUnsupported;
}

/// On the pool: stores the outputs, then makes their records durable.
Collection collect_and_record(const CollectRequest& what, Survey found, const LiveRun& live,
                              const SessionRecord& session, SessionStore& sessions, InUse& in_use,
                              const std::function<bool()>& cancelled) {
  Storage& storage = live.generation->storage();
  Collection collection =
      collect(what, std::move(found), live.inputs->files, storage, in_use, cancelled);
  if (cancelled()) discard(collection, storage);
  if (collection.files.empty() && collection.gone.empty()) return collection;
  try {
    sessions.commit(session, collection.files, collection.gone);
  } catch (const Failure& failure) {
    // Whether the rows are on disk is not known, so the blobs are left to the sweep.
    collection.failures.push_back(failure.what());
    collection.left_out.push_back(
        std::to_string(collection.files.size() + collection.gone.size()) +
        " new, changed or deleted files could not be recorded: the database does not answer as it "
        "should.");
    collection.files.clear();
  }
  return collection;
}

}  // namespace

class ExecService::State::Line {
 public:
  Line(std::shared_ptr<State> host, std::shared_ptr<const Generation> generation,
       Principal principal, ExecCommand command, std::shared_ptr<Inputs> inputs,
       std::shared_ptr<RunControl::State> control, std::int64_t queued_us);
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  ~Line();

  Task<std::unique_ptr<ExecResult>> run();
  std::unique_ptr<ExecResult> cancelled();

 private:
  struct Staged {
    std::vector<InputFile> files;
    std::vector<std::string> warnings;
    std::string awaited;  ///< the digest of what another run is fetching: to be gone on with then
  };

  RunRequest request();
  Task<bool> stage();
  Task<bool> stage_some();
  Task<> fetched(std::string sha256);
  Task<bool> execute();
  void start(Runtime& runtime, RunRequest& request);
  Task<bool> make_output();
  Task<> completion();
  Task<bool> collect_and_commit();
  Task<std::optional<Collection>> collect_in_lanes(CollectRequest what,
                                                   std::function<Collection(Survey)> record);
  void list_inherited();
  void touch_sessions();
  std::unique_ptr<ExecResult> finished(const Outcome& outcome);
  void fill_result(const Outcome& outcome);

  const std::shared_ptr<State> owner_;
  State& host_;
  const Principal principal_;
  const ExecCommand command_;
  const std::shared_ptr<RunControl::State> control_;
  const LanguageConfig& language_;
  const Limits limits_;
  SessionRecord session_;
  std::shared_ptr<LiveRun> live_ = std::make_shared<LiveRun>();
  Collection collection_;
  bool completed_ = false;
  ExecResult result_;
};

ExecService::State::Line::Line(std::shared_ptr<State> host,
                               std::shared_ptr<const Generation> generation, Principal principal,
                               ExecCommand command, std::shared_ptr<Inputs> inputs,
                               std::shared_ptr<RunControl::State> control, std::int64_t queued_us)
    : owner_(std::move(host)),
      host_(*owner_),
      principal_(std::move(principal)),
      command_(std::move(command)),
      control_(std::move(control)),
      language_(*generation->config().language(command_.language)),
      limits_(merge_limits(language_, command_.timeout)) {
  const EpochMs now = epoch_ms_now();
  result_.times.queue = queued_us;
  result_.run_id = control_->id;
  result_.session_id = control_->session;
  session_ = {result_.session_id, principal_.id, command_.entity_id, now, now, principal_.tenant};
  live_->generation = std::move(generation);
  live_->inputs = inputs ? std::move(inputs) : std::make_shared<Inputs>();
  live_->id_hold = host_.in_use->hold(result_.run_id);
  live_->session_hold = host_.in_use->hold(result_.session_id);
  live_->files = std::make_unique<RunFiles>(host_.runs_dir, result_.run_id);
}

ExecService::State::Line::~Line() {
  // Ending the lease and removing files costs more than a short run, and the answer is not out yet:
  // first whoever waits for it goes on, then the pool cleans up.
  auto clean_up = [owner = owner_, live = std::move(live_)]() mutable {
    auto later = std::make_shared<Timer>(owner->io, kAnswerGoesFirst);
    later->async_wait([later, owner = std::move(owner), live = std::move(live)](auto) mutable {
      owner->sessions.write_noted();
      owner->cleanup->submit([live = std::move(live)]() mutable { live.reset(); });
    });
  };
  // To set the clock costs something too: behind those that this end wakes, who are posted now.
  asio::post(host_.io, [&io = host_.io, clean_up = std::move(clean_up)]() mutable {
    asio::post(io, std::move(clean_up));
  });
}

Task<std::unique_ptr<ExecResult>> ExecService::State::Line::run() {
  auto since = Clock::now();
  if (!live_->inputs->files.empty()) {
    control_->set_stage(RunStage::kStaging);
    if (!co_await stage()) co_return cancelled();
  }
  result_.times.staging = microseconds_since(since);

  since = Clock::now();
  if (!co_await execute()) co_return cancelled();
  result_.times.run = microseconds_since(since);

  const Completion& completion = live_->mailbox->completion();
  result_.times.start = completion.start_us;
  if (control_->requested()) co_return cancelled();
  if (completion.failure) {
    if (completion.failure->code() == Code::kCancelled) co_return cancelled();
    host_.log.error("a runtime failed", {{"run", result_.run_id},
                                         {"language", language_.name},
                                         {"why", completion.failure->what()}});
    throw runtime_failure(*completion.failure, language_.name);
  }

  since = Clock::now();
  control_->set_stage(RunStage::kCollecting);
  if (!co_await collect_and_commit()) co_return cancelled();
  result_.times.collect = microseconds_since(since);
  co_return finished(outcome_of(completion, limits_));
}

Task<bool> ExecService::State::Line::stage() {
  bool more = true;
  while (more) {
    more = co_await stage_some();
    if (control_->requested()) co_return false;
  }
  co_return true;
}

/// True: what another run was fetching has come, and the rest is to be staged. Who waits for that
/// has no thread meanwhile.
Task<bool> ExecService::State::Line::stage_some() {
  // The work owns or copies what it touches: when the run is cancelled, it goes on by itself.
  auto work = [owner = owner_, live = live_, control = control_,
               files = live_->inputs->files]() mutable {
    Staged staged{std::move(files), {}, {}};
    try {
      staged.awaited = live->files->stage(live->generation->storage(), *owner->input_cache,
                                          live->generation->config().input_cache.size, staged.files,
                                          staged.warnings, [&] { return control->requested(); });
    } catch (const Failure& failure) {
      throw owner->for_client(failure);
    }
    return staged;
  };
  auto staged = co_await in_lane(host_.lanes_of(*live_->generation).work, control_.get(), work);
  if (!staged || control_->requested()) co_return false;
  live_->inputs->files = std::move(staged->files);
  for (std::string& line : staged->warnings) live_->inputs->warnings.push_back(std::move(line));
  if (staged->awaited.empty()) co_return false;
  co_await fetched(std::move(staged->awaited));
  co_return true;
}

/// Returns when nobody fetches that content any more, or when the run is cancelled.
Task<> ExecService::State::Line::fetched(std::string sha256) {
  auto done = std::make_shared<Event>(host_.io);
  Cancellation::Stage stage(control_.get(), [done] { done->set(); });
  host_.input_cache->when_fetched(
      sha256, [done, &io = host_.io] { asio::post(io, [done] { done->set(); }); });
  co_await done->wait();
}

RunRequest ExecService::State::Line::request() {
  RunRequest request;
  request.id = result_.run_id;
  request.language = language_.name;
  request.code = command_.talk ? command_.talk->program(command_.code) : command_.code;
  ProgramWords words = program_words(language_, command_.code, limits_);
  request.source_name = std::move(words.source);
  request.arguments = command_.arguments;
  request.compile = std::move(words.compile);
  request.command = std::move(words.command);
  auto environment = language_.environment;
  for (const auto& [name, value] : command_.environment) {
    if (allowed_environment_name(name)) {
      environment[name] = value;
    } else {
      live_->inputs->warnings.push_back("warning: environment variable skipped: \"" +
                                        printable(name) +
                                        "\" is no name for one or steers the loader of programs");
    }
  }
  for (const auto& [name, value] : environment) request.environment.push_back(name + "=" + value);
  request.standard_input = command_.standard_input;
  request.workspace = live_->files->workspace();
  request.limits = limits_;
  if (command_.talk) {
    // Calls of tools travel beside the output, and their answers are waited for by others.
    request.limits.output += ToolTalk::kMostCallBytes;
    request.limits.wall = ToolTalk::kLongest;
  }
  return request;
}

Task<bool> ExecService::State::Line::make_output() {
  auto work = [live = live_] {
    live->files->make_output();
    return true;
  };
  const auto made = co_await in_lane(host_.cleanup, control_.get(), work);
  co_return made.has_value();
}

void ExecService::State::Line::start(Runtime& runtime, RunRequest& request) {
  const RunFiles::OpenInputs open = live_->files->open_inputs(live_->inputs->files);
  request.inputs = open.inputs;
  const bool compiles = !request.compile.empty();
  RunMailbox::News news;
  if (compiles) {
    news.compiled = [control = control_] {
      if (control->stage == RunStage::kCompiling) control->set_stage(RunStage::kRunning);
    };
  }
  if (request.open_input) news.input_room = [control = control_] { control->tell_input_room(); };
  live_->mailbox = std::make_unique<RunMailbox>(host_.io, limits_, control_->events,
                                                std::move(news), command_.talk);
  control_->set_stage(compiles ? RunStage::kCompiling : RunStage::kRunning);
  live_->lease = runtime.start(request, *live_->mailbox);
  control_->attach(*live_->lease, runtime.takes_input());
  // Somebody listens to every word.
  if (control_->events || command_.talk) live_->lease->hold_output(false);
}

/// Runs on the first runtime that can. One that gives the run back unstarted, at once, or because
/// nothing became free in it, or because it lacks the programs, passes it on to the next of the
/// language.
Task<bool> ExecService::State::Line::execute() {
  RunRequest request = this->request();
  std::optional<Failure> refusal;
  for (Runtime* runtime : live_->generation->runtimes(language_)) {
    if (!runtime->own_workspace() && !co_await make_output()) co_return false;
    if (control_->requested()) co_return false;
    request.output = runtime->own_workspace() ? -1 : live_->files->output();
    request.open_input = control_->open_input && runtime->takes_input();
    try {
      start(*runtime, request);
      co_await completion();
      refusal = live_->mailbox->completion().failure;
      if (!refusal || !given_back(*refusal)) break;
    } catch (const Failure& failure) {
      refusal = failure;
    }
    host_.log.warning(
        "a runtime gave a run back",
        {{"run", result_.run_id}, {"runtime", runtime->name()}, {"why", refusal->what()}});
    if (!given_back(*refusal)) break;
    control_->lease = nullptr;
    live_->lease.reset();
    completed_ = false;
  }
  if (!completed_) throw runtime_failure(*refusal, language_.name);
  co_return true;
}

Task<> ExecService::State::Line::completion() {
  Cancellation::Stage stage(control_.get(), [lease = live_->lease.get()] { lease->cancel(); });
  if (control_->requested()) live_->lease->cancel();
  const auto completed = live_->mailbox->completed();
  co_await completed->wait();
  completed_ = true;
  control_->lease = nullptr;
}

Task<bool> ExecService::State::Line::collect_and_commit() {
  const Completion& completion = live_->mailbox->completion();
  CollectRequest what;
  what.changes = completion.changes >= 0 ? completion.changes : live_->files->output();
  what.merged = completion.merged;
  if (what.changes >= 0) {
    what.bounds = live_->generation->config().outputs;
    what.max_file = limits_.file_size;
    what.session = result_.session_id;
    auto record = [what, live = live_, control = control_, session = session_,
                   sessions = &host_.sessions, in_use = host_.in_use](Survey found) {
      return collect_and_record(what, std::move(found), *live, session, *sessions, *in_use,
                                [control] { return control->requested(); });
    };
    auto collected = co_await collect_in_lanes(what, std::move(record));
    if (!collected || control_->requested()) co_return false;
    collection_ = std::move(*collected);
  }
  for (const std::string& why : collection_.failures) {
    host_.log.error("outputs of a run were lost", {{"run", result_.run_id}, {"why", why}});
  }
  if (collection_.files.empty()) host_.sessions.note(session_);
  touch_sessions();
  co_return true;
}

/// What is small is done at once; what will take long moves to the lane of such.
Task<std::optional<Collection>> ExecService::State::Line::collect_in_lanes(
    CollectRequest what, std::function<Collection(Survey)> record) {
  struct Begun {
    Survey found;
    std::optional<Collection> collection;
  };
  const StorageLanes lanes = host_.lanes_of(*live_->generation);
  auto begin = [what, record, live = live_] {
    Begun begun{survey(what), std::nullopt};
    if (begun.found.bytes <= kLargeCollection) begun.collection = record(std::move(begun.found));
    return begun;
  };
  auto begun = co_await in_lane(lanes.work, control_.get(), begin);
  if (!begun) co_return std::nullopt;
  if (begun->collection) co_return std::move(begun->collection);
  auto rest = [record, found = std::make_shared<Survey>(std::move(begun->found)), live = live_] {
    return record(std::move(*found));
  };
  co_return co_await in_lane(lanes.large, control_.get(), rest);
}

void ExecService::State::Line::touch_sessions() {
  std::map<std::string, std::string> used;  // with their owners: files of agents may be another's
  for (const InputFile& input : live_->inputs->files) {
    used[input.file.session] = input.file.principal;
  }
  used.erase(session_.id);
  for (const auto& [session, owner] : used) host_.touch(session, owner);
}

void ExecService::State::Line::list_inherited() {
  const std::set<std::string> deleted(collection_.deleted.begin(), collection_.deleted.end());
  for (const InputFile& input : live_->inputs->files) {
    if (!input.new_style || input.file.read_only || collection_.changed.count(input.name) ||
        deleted.count(input.name)) {
      continue;
    }
    result_.files.push_back({input.file.id,
                             input.name,
                             input.file.session,
                             "",
                             "",
                             true,
                             {input.file.kind, input.file.resource, input.file.version}});
  }
}

std::unique_ptr<ExecResult> ExecService::State::Line::finished(const Outcome& outcome) {
  for (const FileRecord& file : collection_.files) {
    result_.files.push_back(
        {file.id, file.name, file.session, file.modified_from, file.modified_from_session});
  }
  list_inherited();
  result_.deleted_files = std::move(collection_.deleted);
  result_.left_out = std::move(collection_.left_out);
  fill_result(outcome);
  return std::make_unique<ExecResult>(std::move(result_));
}

std::unique_ptr<ExecResult> ExecService::State::Line::cancelled() {
  fill_result({RunStatus::kCancelled, kCancelledSentence});
  return std::make_unique<ExecResult>(std::move(result_));
}

void ExecService::State::Line::fill_result(const Outcome& outcome) {
  result_.status = outcome.status;
  result_.message = outcome.message;
  for (const std::string& line : live_->inputs->warnings) append_line(result_.err, line);
  if (completed_) {
    RunMailbox& mailbox = *live_->mailbox;
    const Completion& completion = mailbox.completion();
    const bool cut = completion.limit == LimitHit::kOutput;
    result_.out = mailbox.out().take(cut);
    result_.err += mailbox.err().take(cut);
    if (completion.exit_code >= 0) result_.exit_code = completion.exit_code;
    if (completion.signal != 0) result_.signal = signal_name(completion.signal);
    result_.wall_ms = completion.wall_us / 1000;
    result_.cpu_ms = completion.cpu_us / 1000;
    result_.memory_peak = completion.memory_peak;
    result_.unenforced = completion.unenforced;
    result_.warm = completion.warm;
  }
  if (!outcome.message.empty()) append_line(result_.err, outcome.message);
}

Task<std::unique_ptr<ExecResult>> ExecService::run(std::shared_ptr<const Generation> generation,
                                                   Principal principal, ExecCommand command,
                                                   std::shared_ptr<Inputs> inputs, Permit permit,
                                                   std::shared_ptr<RunControl> control) {
  const Permit place = std::move(permit);  // a local: it is free before the caller goes on
  const auto state = state_;
  RunControl::State& told = *control->state_;
  told.language = command.language;
  told.principal = principal.id;
  told.session = inputs ? inputs->session : std::string();
  if (told.session.empty()) told.session = new_id();
  told.place = place.place_;
  const State::Reachable reachable(state, control->state_);
  told.set_stage(RunStage::kQueued);
  const auto since = Clock::now();
  const bool turn = co_await state->admission->turn(place, *control->state_);
  const std::int64_t queued = microseconds_since(since);
  // Made only now, on the heap: thousands may wait for their turn, and waiting must cost little.
  const auto line =
      std::make_unique<State::Line>(state, std::move(generation), std::move(principal),
                                    std::move(command), std::move(inputs), control->state_, queued);
  if (!turn) co_return line->cancelled();
  co_return co_await line->run();
}

}  // namespace podium
