#include "exec/service.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <system_error>

#include "base/failure.hpp"
#include "exec/state.hpp"

namespace podium {
namespace {

void check_no_nul(const std::string& field, const std::string& text) {
  if (text.find('\0') == text.npos) return;
  const std::string message = field + " has a NUL character, which no program can be given";
  throw Failure(Code::kInvalidArgument, message).with_field({field, message, "invalid"});
}

/// What a command takes in memory while it waits, about.
Bytes bytes_of(const ExecCommand& command) {
  const auto of = [](const std::string& text) { return text.size() + sizeof(std::string); };
  Bytes bytes = sizeof command + command.code.size() + command.standard_input.size();
  for (const std::string& argument : command.arguments) bytes += of(argument);
  for (const auto& [name, value] : command.environment) bytes += of(name) + of(value);
  for (const FileReference& file : command.files) {
    bytes += of(file.id) + of(file.name) + of(file.session);
  }
  return bytes;
}

bool is_blank(const std::string& code) {
  return code.find_first_not_of(" \t\r\n\v\f") == code.npos;
}

}  // namespace

ExecService::State::State(asio::io_context& io_context, asio::thread_pool& threads,
                          SessionStore& store, Log& logger, std::filesystem::path directory,
                          unsigned thread_count)
    : io(io_context),
      pool(threads),
      sessions(store),
      log(logger),
      runs_dir(std::move(directory)),
      pool_threads(thread_count),
      admission(std::make_shared<Admission>(io)),
      input_cache(std::make_shared<InputCache>(runs_dir.parent_path() / "cache")),
      database(std::make_shared<Lane>(io, pool, std::max(2u, thread_count / 4))),
      cleanup(std::make_shared<Lane>(io, pool, std::max(1u, thread_count / 4))) {
  std::error_code error;
  std::filesystem::create_directories(runs_dir, error);
  // The folders of runs are open to all: what keeps others out is this one.
  if (!error && ::chmod(runs_dir.c_str(), 0700) != 0) error.assign(errno, std::system_category());
  if (error) {
    throw Failure(
        Code::kUnavailable,
        runs_dir.string() + ": the folder of the runs cannot be made: " + error.message());
  }
}

StorageLanes ExecService::State::lanes_of(const Generation& generation) {
  const Storage* storage = &generation.storage();
  if (const auto found = lanes.find(storage); found != lanes.end()) return found->second;
  std::erase_if(lanes, [](const auto& entry) { return entry.second.idle(); });
  const unsigned half = std::max(2u, pool_threads / 2);
  StorageLanes made;
  made.work = std::make_shared<Lane>(io, pool, half);
  made.large = std::make_shared<Lane>(io, pool, half / 2, made.work);
  return lanes.emplace(storage, std::move(made)).first->second;
}

void ExecService::State::touch(const std::string& session, const std::string& owner) {
  const EpochMs now = epoch_ms_now();
  sessions.commit_later({session, owner, "", now, now});
}

Failure ExecService::State::for_client(const Failure& failure) const {
  const bool full = failure.code() == Code::kResourceExhausted;
  if (!full && failure.code() != Code::kUnavailable && failure.code() != Code::kDeadlineExceeded) {
    return failure;
  }
  log.warning("the storage failed", {{"why", failure.what()}});
  return Failure(failure.code(), full ? "the storage has no room left"
                                      : "the storage does not answer as it should; try again later")
      .with_retry_after(std::chrono::seconds(5));
}

Failure ExecService::State::database_for_client(const Failure& failure) const {
  if (failure.code() != Code::kUnavailable) return failure;
  log.warning("the database failed", {{"why", failure.what()}});
  return Failure(Code::kUnavailable, "the database does not answer as it should; try again later")
      .with_retry_after(std::chrono::seconds(5));
}

void ExecService::State::remove_blob_later(std::shared_ptr<const Generation> generation,
                                           std::string key) {
  auto job = [&store = sessions, &logger = log, generation, key = std::move(key)] {
    try {
      if (!store.blob_is_used(key)) generation->storage().remove(key);
    } catch (const std::exception& failure) {
      logger.warning("a blob was not removed and is left to the sweep", {{"why", failure.what()}});
    }
  };
  lanes_of(*generation).work->submit(std::move(job));
}

ExecService::ExecService(asio::io_context& io, asio::thread_pool& pool, SessionStore& sessions,
                         Log& log, std::filesystem::path runs_dir, unsigned pool_threads)
    : state_(std::make_shared<State>(io, pool, sessions, log, std::move(runs_dir), pool_threads)) {}

ExecService::~ExecService() = default;

void ExecService::count_request(const Generation& generation, ByteShare& share, Bytes bytes) {
  state_->admission->count(generation.config().admission, share, bytes);
}

Permit ExecService::admit(const Generation& generation, const ExecCommand& command,
                          ByteShare counted) {
  const LanguageConfig* language = generation.config().language(command.language);
  if (!language) {
    throw Failure(Code::kInvalidArgument, "Unsupported language: " + command.language)
        .with_field({"lang", "Unsupported language: " + command.language, "unsupported"});
  }
  if (is_blank(command.code)) {
    throw Failure(Code::kInvalidArgument, "code must not be empty")
        .with_field({"code", "code must not be empty", "empty"});
  }
  if (command.timeout && command.timeout->count() <= 0) {
    const char* message = "timeout must be a positive number of milliseconds";
    throw Failure(Code::kInvalidArgument, message).with_field({"timeout", message, "invalid"});
  }
  for (std::size_t i = 0; i < command.arguments.size(); ++i) {
    check_no_nul("args[" + std::to_string(i) + "]", command.arguments[i]);
  }
  for (const auto& [name, value] : command.environment) check_no_nul("env", value);
  if (generation.runtimes(*language).empty()) {
    throw Failure(Code::kUnavailable, "no runtime is configured for " + language->name);
  }
  const AdmissionConfig& config = generation.config().admission;
  state_->admission->count(config, counted, bytes_of(command));
  return state_->admission->admit(config, generation.number(), std::move(counted));
}

Task<std::shared_ptr<ExecService::Inputs>> ExecService::resolve(
    std::shared_ptr<const Generation> generation, const Principal& principal,
    const ExecCommand& command) {
  if (command.files.empty() && command.session_id.empty()) co_return nullptr;
  auto work = [&] {
    return resolve_inputs(state_->sessions, *state_->in_use,
                          generation->config().sessions.time_to_live, principal, command);
  };
  auto asked = state_->on_database(work);
  auto inputs = co_await in_lane(state_->database, nullptr, asked);
  co_return std::move(*inputs);
}

unsigned ExecService::running() const noexcept { return state_->admission->running(); }
unsigned ExecService::waiting() const noexcept { return state_->admission->waiting(); }
void ExecService::stop_admitting() { state_->admission->stop(); }
Task<> ExecService::idle() { co_await state_->admission->idle(); }

void ExecService::cancel_all() { state_->book.cancel_all(); }
RunBook& ExecService::book() noexcept { return state_->book; }

void ExecService::keep_end(const RunControl& run, std::string json) {
  state_->book.keep_end(run.state_, std::move(json));
}

}  // namespace podium
