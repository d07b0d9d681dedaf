// A streaming response that is sound but for the defect in its name.
#include <podium/plugin.hpp>

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <clocale>
#include <cstdlib>
#include <thread>

#include "defect.hpp"

namespace {

using namespace podium::sdk;
using std::chrono::milliseconds;

std::atomic<int> open_streams{0};
std::atomic<bool> another_ended{false};
std::atomic<bool> lingering{false};

/// What goes wrong in create, dry run or not.
void misbehave_in_create() {
  if (has_defect("crashes")) ::raise(SIGSEGV);
  if (has_defect("exits_in_create")) std::exit(3);
  if (!has_defect("hangs")) return;
  for (;;) ::pause();
}

void change_mask(int how) {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGUSR2);
  ::pthread_sigmask(how, &set, nullptr);
}

/// What goes wrong when an instance is made.
void misbehave_at_birth() {
  if (has_defect("leaks_a_descriptor") && ::dup(1) < 0) std::abort();
  if (has_defect("leaks_memory")) {
    static std::atomic<void*> kept;
    kept = std::malloc(100);
  }
  if (has_defect("leaves_a_thread") && !lingering.exchange(true)) {
    std::thread([] {
      std::this_thread::sleep_for(milliseconds(300));
      lingering = false;
    }).detach();
  }
  if (has_defect("prints")) ::puts("here I am");
  if (has_defect("complains")) static_cast<void>(::fputs("here I am\n", stderr));
  if (has_defect("sets_the_locale")) std::setlocale(LC_ALL, "C.UTF-8");
  if (has_defect("changes_the_folder") && ::chdir("/usr") != 0) std::abort();
  if (has_defect("blocks_signals") || has_defect("blocks_for_a_while")) change_mask(SIG_BLOCK);
}

class Family final : public Response, public Health, public Metrics {
 public:
  static constexpr podium_option kOptions[] = {option_string("greeting", "hello", "Does nothing")};

  static void check(const Options& options) {
    if (has_defect("starts_in_a_dry_run"))
      std::thread([] { std::this_thread::sleep_for(milliseconds(500)); }).detach();
    check_for_real(options);
  }

  Family(Host, const Options& options) {
    check_for_real(options);
    another_ended = false;
    misbehave_at_birth();
  }
  ~Family() override {
    another_ended = true;
    if (has_defect("blocks_for_a_while")) change_mask(SIG_UNBLOCK);
  }

  static void check_for_real(const Options& options) {
    misbehave_in_create();
    if (!options.string("greeting").empty()) return;
    throw Error(PODIUM_INVALID_ARGUMENT, has_defect("names_no_key")
                                             ? "something is wrong"
                                             : "greeting is empty, expected a word");
  }

  Traits traits() const noexcept override {
    return {"application/json", milliseconds(100), milliseconds(100)};
  }

  std::unique_ptr<ResponseStream> begin(const Buffer& out) override {
    out.append(" ");
    return std::make_unique<Stream>();
  }
  void finish(const Result& result, const Buffer& out) override {
    if (has_defect("exits")) std::exit(3);
    if (has_defect("shares_its_state") && another_ended) std::abort();
    append(out,
           result.status == 200          ? result.json
           : has_defect("spoils_errors") ? "Internal error"
                                         : result.json,
           result.status == 200 && has_defect("spoils_answers") ? "," : "");
  }

  HealthReport health(milliseconds) override {
    if (has_defect("slow_health")) std::this_thread::sleep_for(std::chrono::seconds(4));
    return {PODIUM_HEALTHY, has_defect("health_no_json") ? "fine" : "{\"how\":\"fine\"}"};
  }
  void collect(const MetricSink& metrics) override {
    metrics.gauge(has_defect("bad_metric") ? "not a name" : "podium_test_streams", "Streams",
                  open_streams);
  }
  const void* extension(const char* id) noexcept override {
    return has_defect("knows_every_extension") && std::string_view(id) != PODIUM_EXT_HEALTH &&
                   std::string_view(id) != PODIUM_EXT_METRICS &&
                   !std::string_view(id).starts_with("podium.")
               ? &kOptions
               : nullptr;
  }

 private:
  static void append(const Buffer& out, std::string_view json, std::string_view more) {
    try {
      out.append(has_defect("loses_the_result") ? "{}" : json);
      out.append(more);
    } catch (const Error&) {
      if (!has_defect("ignores_refusals")) throw;
    }
  }

  class Stream final : public ResponseStream {
   public:
    Stream() { ++open_streams; }
    ~Stream() override {
      --open_streams;
      if (has_defect("wants_its_finish") && !finished_) std::abort();
    }
    void tick(const Buffer& out) override {
      ++ticks_;
      if (has_defect("mute")) return;
      append_or_ignore(out, has_defect("spoils_ticks") && ticks_ == 500 ? "tick" : " ");
    }
    void chunk(std::uint32_t, std::string_view data, const Buffer& out) override {
      if (has_defect("spoils_output") && ticks_ > 10) out.append(data);
    }
    void finish(const Result& result, const Buffer& out) override {
      finished_ = true;
      if (has_defect("one_stream") && open_streams > 1) out.append("disturbed");
      std::this_thread::yield();
      append(out, result.json, "");
    }

   private:
    static void append_or_ignore(const Buffer& out, std::string_view text) {
      try {
        out.append(text);
      } catch (const Error&) {
        if (!has_defect("ignores_refusals")) throw;
      }
    }
    int ticks_ = 0;
    bool finished_ = false;
  };
};

}  // namespace

PODIUM_RESPONSE_PLUGIN(Family, "org.podium.test.family", "1.0.0", "A response with one defect");
