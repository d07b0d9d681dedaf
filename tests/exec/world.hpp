#pragma once
/// A daemon's inside in a temporary folder: real sessions and real files, plugins by hand.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include "base/ids.hpp"
#include "base/one_time_tag.hpp"
#include "exec/fakes.hpp"
#include "exec/service.hpp"
#include "support/temp_folder.hpp"

namespace podium::test {

inline void write_file(const std::filesystem::path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

/// Whether the record's tag is that of this content.
inline bool is_tagged(const FileRecord& file, const std::string& content) {
  OneTimeTag tag(file.tag);
  tag.update(content);
  return tag.matches(file.tag);
}

/// The code and message of what a coroutine threw, or its value.
template <class T>
struct Ending {
  bool done = false;
  std::optional<T> value;
  std::exception_ptr error;

  Code code() const { return failure().code(); }
  std::string message() const { return failure().what(); }
  Failure failure() const {
    if (!error) throw std::logic_error("expected a Failure, got a value");
    try {
      std::rethrow_exception(error);
    } catch (const Failure& failure) {
      return failure;
    }
  }
};

class World : public testing::Test {
 protected:
  World() : storage(std::make_shared<FakeStorage>(dir / "blobs")) {
    config.languages.push_back(language("py", {"jobs"}));
    config.storage = "files";
    config.sessions.time_to_live = std::chrono::hours(24);
    config.admission.runs = 4;
  }
  ~World() override {
    storage->put_gate.open();
    storage->get_gate.open();
    storage->list_gate.open();
    runtime->release_gate.open();
    for (const auto& run : runtime->runs) run->exit(0);
    if (exec) {
      exec->cancel_all();
      finish(exec->idle());
    }
    settle();
    guard.reset();
    pool.join();
    io.restart();
    io.poll();
  }

  static LanguageConfig language(const std::string& name, std::vector<std::string> runtimes) {
    LanguageConfig made;
    made.name = name;
    made.runtimes = std::move(runtimes);
    made.source = "main." + name;
    made.command = {"/usr/bin/" + name, "{source}"};
    return made;
  }

  ExecService& service() {
    if (!exec) {
      exec = std::make_unique<ExecService>(io, pool, sessions, log, dir / "runs", kThreads);
    }
    return *exec;
  }
  std::shared_ptr<const Generation> generation() {
    if (!generation_) {
      std::vector<std::shared_ptr<Instance>> instances{storage, runtime};
      for (const auto& more : more_instances) instances.push_back(more);
      generation_ = Generation::assemble(config, instances);
    }
    return generation_;
  }

  template <class T>
  std::shared_ptr<Ending<T>> begin(Task<T> task) {
    auto ending = std::make_shared<Ending<T>>();
    auto take = [ending](std::exception_ptr error, T value) {
      ending->error = error;
      if (!error) ending->value.emplace(std::move(value));
      ending->done = true;
    };
    asio::co_spawn(io, std::move(task), take);
    return ending;
  }
  template <class T>
  std::shared_ptr<Ending<T>> ended(Task<T> task) {
    auto ending = begin(std::move(task));
    until([&] { return ending->done; });
    return ending;
  }
  Task<std::vector<UploadedFile>> commit_one(std::unique_ptr<Upload> upload, std::string& session) {
    std::vector<std::unique_ptr<Upload>> uploads;
    uploads.push_back(std::move(upload));
    const UploadForm form;
    co_return co_await service().commit_uploads(me, form, std::move(uploads), session);
  }
  template <class T>
  T get(Task<T> task) {
    auto ending = ended(std::move(task));
    if (ending->error) std::rethrow_exception(ending->error);
    return std::move(*ending->value);
  }
  void finish(Task<> task) {
    bool done = false;
    std::exception_ptr failed;
    asio::co_spawn(io, std::move(task), [&](std::exception_ptr error) {
      failed = error;
      done = true;
    });
    until([&] { return done; });
    if (failed) std::rethrow_exception(failed);
  }

  /// Runs handlers until the condition holds; a minute without it ends the test.
  void until(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "waited in vain";
      io.run_one_for(milliseconds(5));
    }
  }
  /// Runs everything that can run without waiting.
  void settle() {
    io.restart();
    while (io.poll() > 0) {
    }
  }

  ExecCommand command(std::string code = "print(1)") {
    ExecCommand made;
    made.language = "py";
    made.code = std::move(code);
    return made;
  }
  /// admit, resolve and run, as the front does it.
  Task<ExecResult> execute(ExecCommand what, std::shared_ptr<RunControl> control = nullptr) {
    if (!control) control = std::make_shared<RunControl>(io);
    const auto current = generation();
    Permit permit = service().admit(*current, what);
    auto inputs = co_await service().resolve(current, me, what);
    std::unique_ptr<ExecResult> result = co_await service().run(
        current, me, std::move(what), std::move(inputs), std::move(permit), control);
    co_return std::move(*result);
  }

  Task<std::string> upload_task(std::string name, std::string content, UploadForm form = {},
                                Principal owner = {"me"}) {
    std::vector<std::unique_ptr<Upload>> uploads;
    uploads.push_back(service().begin_upload(generation(), std::move(name)));
    co_await uploads.back()->write(content);
    co_await uploads.back()->finish();
    std::string session;
    auto files = co_await service().commit_uploads(owner, form, std::move(uploads), session);
    co_return files.at(0).id;
  }
  /// The record of a new file.
  FileRecord upload(const std::string& name, const std::string& content, UploadForm form = {},
                    Principal owner = {"me"}) {
    const std::string id = get(upload_task(name, content, form, owner));
    return *sessions.find_file(id);
  }
  static FileReference reference(const FileRecord& file, bool new_style = false) {
    return {file.id, file.name, file.session, new_style};
  }

  unsigned run_directories() const {
    unsigned count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dir / "runs")) {
      (void)entry;
      ++count;
    }
    return count;
  }

  static constexpr unsigned kThreads = 8;
  TempFolder dir;
  Principal me{"me"};
  Config config;
  UniqueFd quiet{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  Log log{quiet.get()};
  SessionStore sessions{dir / "podium.db"};
  std::shared_ptr<FakeStorage> storage;
  std::shared_ptr<FakeRuntime> runtime = std::make_shared<FakeRuntime>();
  std::vector<std::shared_ptr<Instance>> more_instances;
  std::shared_ptr<const Generation> generation_;
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard = asio::make_work_guard(io);
  asio::thread_pool pool{kThreads};
  std::unique_ptr<ExecService> exec;
};

}  // namespace podium::test
