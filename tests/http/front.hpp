#pragma once
/// The HTTP front over a real ExecService and real sessions, with plugins by hand, on a port of
/// its own.

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include "base/sha256.hpp"
#include "exec/fakes.hpp"
#include "exec/service.hpp"
#include "http/client.hpp"
#include "http/server.hpp"

namespace podium::test {

/// White space while it waits.
class FakeBeat : public FakeInstance<Response> {
 public:
  FakeBeat() : FakeInstance("beat") {}
  std::optional<milliseconds> window{milliseconds(40)};
  milliseconds beat_interval{20};

  const std::string& media_type() const noexcept override { return type_; }
  std::optional<milliseconds> first_window() const noexcept override { return window; }
  milliseconds interval() const noexcept override { return beat_interval; }
  std::unique_ptr<ResponseStream> begin(std::string& out) override {
    out += ' ';
    return std::make_unique<Stream>();
  }
  void finish(int, std::string_view json, std::string& out) override { out += json; }

 private:
  struct Stream : ResponseStream {
    void tick(std::string& out) override { out += ' '; }
    void chunk(unsigned, std::string_view, std::string&) override {}
    void finish(int, std::string_view json, std::string& out) override { out += json; }
  };
  std::string type_ = "application/json";
};

/// Server-sent events, as the plugin writes them.
class FakeEvents : public FakeInstance<Response> {
 public:
  FakeEvents() : FakeInstance("events") {}
  milliseconds keep_alive{20};

  const std::string& media_type() const noexcept override { return type_; }
  std::optional<milliseconds> first_window() const noexcept override { return milliseconds(0); }
  milliseconds interval() const noexcept override { return keep_alive; }
  bool tells_events() const noexcept override { return true; }
  std::unique_ptr<ResponseStream> begin(std::string&) override {
    return std::make_unique<Stream>();
  }
  void finish(int, std::string_view, std::string&) override {}

 private:
  struct Stream : ResponseStream {
    void event(const RunEvent& event, std::string& out) override {
      out += "id: " + std::to_string(event.id) + "\nevent: " + std::string(event.name) +
             "\ndata: " + event.json + "\n\n";
    }
    void tick(std::string& out) override { out += ": keep-alive\n\n"; }
    void chunk(unsigned, std::string_view, std::string&) override {}
    void finish(int, std::string_view, std::string&) override {}
  };
  std::string type_ = "text/event-stream";
};

/// The lines of the log, through a pipe.
class LogPipe {
 public:
  LogPipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    read_ = UniqueFd(ends[0]);
    write_ = UniqueFd(ends[1]);
  }
  int writer() const { return write_.get(); }

  /// The next line with that message. Throws after ten seconds.
  Json next(std::string_view message) {
    for (;;) {
      const std::size_t end = text_.find('\n');
      if (end == std::string::npos) {
        fill();
        continue;
      }
      const Json line = json_parse(text_.substr(0, end));
      text_.erase(0, end + 1);
      if (line.find("message")->string() == message) return line;
    }
  }
  /// Makes every further write wait until somebody reads.
  void stall() {
    const int flags = ::fcntl(write_.get(), F_GETFL);
    ::fcntl(write_.get(), F_SETFL, flags | O_NONBLOCK);
    const std::string blank(65536, '\n');
    while (::write(write_.get(), blank.data(), blank.size()) > 0) {
    }
    while (::write(write_.get(), "\n", 1) > 0) {
    }
    ::fcntl(write_.get(), F_SETFL, flags);
  }
  /// Nobody reads any more: writes that find no room fail.
  void release() {
    ::fcntl(write_.get(), F_SETFL, ::fcntl(write_.get(), F_GETFL) | O_NONBLOCK);
    drain();
  }
  void drain() {
    pollfd waiting{read_.get(), POLLIN, 0};
    char buffer[65536];
    while (::poll(&waiting, 1, 0) == 1 && ::read(read_.get(), buffer, sizeof buffer) > 0) {
    }
  }

 private:
  void fill() {
    pollfd waiting{read_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, 30'000) != 1) throw std::runtime_error("no log line came");
    char buffer[4096];
    const ssize_t n = ::read(read_.get(), buffer, sizeof buffer);
    if (n <= 0) throw std::runtime_error("the log has ended");
    for (const char c : std::string_view(buffer, static_cast<std::size_t>(n))) {
      if (c != '\n' || !(text_.empty() || text_.back() == '\n')) text_ += c;
    }
  }

  UniqueFd read_, write_;
  std::string text_;
};

/// What the program of a run writes.
inline void print(FakeRun& run, std::string_view text, unsigned stream = 1) {
  run.events->on_output(stream, text);
}

class Front : public testing::Test {
 protected:
  static constexpr const char* kKey = "sk-0123456789abcdefghijklmnopqrstuv";
  static constexpr const char* kAdminKey = "sk-the-administrators-own-key-000000";

  Front() {
    log.start_writer();
    char name[] = "/tmp/podium-http-XXXXXX";
    folder = ::mkdtemp(name);
    storage = std::make_shared<FakeStorage>(folder / "blobs");
    LanguageConfig language;
    language.name = "py";
    language.aliases = {"python"};
    language.runtimes = {"jobs"};
    language.source = "main.py";
    language.command = {"/usr/bin/python3", "{source}"};
    config.languages.push_back(std::move(language));
    config.storage = "files";
    config.routes["/exec"].response = "beat";
    config.routes["/exec/stream"].response = "events";
    config.http.port = 0;
    config.admission.runs = 4;
    runtime->behaviour = [this](FakeRun& run) { runs.push(run); };
  }

  ~Front() override {
    if (server) {
      runtime->behaviour = [](FakeRun& run) { run.exit(0); };
      storage->put_gate.open();
      storage->get_gate.open();
      on_io([this] { exec->cancel_all(); });
      runs.finish_all();
      run_on_io(exec->idle());
      run_on_io(server->drain(milliseconds(1)));
      log_pipe.release();
      server.reset();
      guard.reset();
      io.stop();
      thread.join();
      pool.join();
      exec.reset();
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }

  /// Starts with what the test has put into `config`.
  void start() {
    auto old = generation.exchange(Generation::assemble(config, {storage, runtime, beat, events}));
    sessions = std::make_unique<SessionStore>(folder / "podium.db");
    accounts = std::make_unique<Accounts>(*sessions, keys, log);
    KeyRing known(
        std::vector<KeyConfig>{{"tester", sha256_hex(kKey)}, {"other", sha256_hex("sk-other")}});
    known.set_admin(sha256_hex(kAdminKey));
    accounts->keys.reload(std::move(known));
    exec = std::make_unique<ExecService>(io, pool, *sessions, log, folder / "runs", 4);
    server = std::make_unique<HttpServer>(HttpContext{io, pool, generation, keys, *exec, *sessions,
                                                      *accounts, log, metrics, "1.2.3", [] {
                                                        return Json::object({{"cgroup", "v1"}});
                                                      }});
    thread = std::thread([this] { io.run(); });
    on_io([this] { server->start(config.http); });
  }

  void on_io(const std::function<void()>& work) {
    std::promise<void> done;
    asio::post(io, [&] {
      work();
      done.set_value();
    });
    done.get_future().get();
  }
  void run_on_io(Task<> task) {
    std::promise<void> done;
    asio::co_spawn(io, std::move(task), [&](std::exception_ptr) { done.set_value(); });
    done.get_future().get();
  }

  Client connect() { return Client(server->port()); }

  static std::string head(const std::string& method, const std::string& target,
                          const std::string& more = "") {
    return method + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: " + kKey + "\r\n" +
           more + "\r\n";
  }
  static std::string post(const std::string& target, const std::string& body,
                          const std::string& type = "application/json",
                          const std::string& more = "") {
    return head("POST", target,
                "Content-Type: " + type + "\r\nContent-Length: " + std::to_string(body.size()) +
                    "\r\n" + more) +
           body;
  }
  static std::string exec_body(const std::string& more = "") {
    return "{\"lang\":\"py\",\"code\":\"print(1)\"" + more + "}";
  }
  /// One request on a connection of its own.
  Received ask(const std::string& request) {
    Client client = connect();
    client.send(request);
    return client.receive(request.starts_with("HEAD "));
  }
  Received get(const std::string& target) { return ask(head("GET", target)); }

  static std::string part(const std::string& disposition, const std::string& content) {
    return "--edge\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\n" + content +
           "\r\n";
  }
  static std::string form(const std::string& parts) { return parts + "--edge--\r\n"; }
  static constexpr const char* kFormType = "multipart/form-data; boundary=edge";
  Received upload(const std::string& name, const std::string& content) {
    return ask(post("/upload", form(part("name=\"file\"; filename=\"" + name + "\"", content)),
                    kFormType));
  }

  /// Runs as the runtime started them.
  class Runs {
   public:
    void push(FakeRun& run) {
      std::lock_guard lock(mutex_);
      waiting_.push_back(&run);
      all_.push_back(&run);
      came_.notify_all();
    }
    FakeRun& next() {
      std::unique_lock lock(mutex_);
      if (!came_.wait_for(lock, std::chrono::seconds(30), [&] { return !waiting_.empty(); })) {
        throw std::runtime_error("no run was started");
      }
      FakeRun* run = waiting_.front();
      waiting_.pop_front();
      return *run;
    }
    std::size_t count() {
      std::lock_guard lock(mutex_);
      return all_.size();
    }
    void finish_all() {
      std::lock_guard lock(mutex_);
      for (FakeRun* run : all_) {
        if (!run->completed) run->exit(0);
      }
    }

   private:
    std::mutex mutex_;
    std::condition_variable came_;
    std::deque<FakeRun*> waiting_;
    std::vector<FakeRun*> all_;
  };

  std::filesystem::path folder;
  LogPipe log_pipe;
  Log log{log_pipe.writer(), LogLevel::kInfo, Log::Format::kJson};
  Metrics metrics;
  Config config;
  std::shared_ptr<FakeStorage> storage;
  std::shared_ptr<FakeRuntime> runtime = std::make_shared<FakeRuntime>();
  std::shared_ptr<FakeBeat> beat = std::make_shared<FakeBeat>();
  std::shared_ptr<FakeEvents> events = std::make_shared<FakeEvents>();
  Runs runs;
  Snapshot<Generation> generation;
  Snapshot<KeyRing> keys;
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard{io.get_executor()};
  asio::thread_pool pool{4};
  std::unique_ptr<SessionStore> sessions;
  std::unique_ptr<Accounts> accounts;
  std::unique_ptr<ExecService> exec;
  std::unique_ptr<HttpServer> server;
  std::thread thread;
};

}  // namespace podium::test
