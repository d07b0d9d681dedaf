#include "obs/metrics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>
#include <vector>

#include "obs/samples.hpp"

namespace podium {
namespace {

using namespace std::chrono_literals;

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(Metrics, CountsRequestsByRouteAndStatus) {
  Metrics metrics;
  metrics.request_finished("/exec", 200, 0.002, false);
  metrics.request_finished("/exec", 200, 12, true);
  metrics.request_finished("/files", 404, 0.1, false);

  const std::string text = metrics.text({});

  EXPECT_TRUE(has_line(text, "# TYPE podium_requests_total counter")) << text;
  EXPECT_TRUE(has_line(text, R"(podium_requests_total{route="/exec",status="200"} 2)")) << text;
  EXPECT_TRUE(has_line(text, R"(podium_requests_total{route="/files",status="404"} 1)")) << text;
  EXPECT_TRUE(has_line(text, R"(podium_clients_left_total{route="/exec"} 1)")) << text;
  EXPECT_TRUE(has_line(text, R"(podium_request_seconds_count{route="/exec"} 2)")) << text;
  EXPECT_TRUE(has_line(text, R"(podium_request_seconds_bucket{route="/exec",le="0.0025"} 1)"))
      << text;
}

TEST(Metrics, CountsRunsAndTheirPhases) {
  Metrics metrics;
  metrics.run_finished("py", "completed", false, 0.5, 0.001, 2, 0.25);
  metrics.run_finished("py", "timed_out", true, 0, 0, 30, 0);

  const std::string text = metrics.text({});

  EXPECT_TRUE(has_line(text, R"(podium_runs_total{language="py",status="timed_out"} 1)")) << text;
  EXPECT_TRUE(has_line(text, R"(podium_run_starts_total{language="py",start="warm"} 1)")) << text;
  EXPECT_TRUE(has_line(text, R"(podium_run_phase_seconds_sum{language="py",phase="run"} 32)"))
      << text;
  EXPECT_TRUE(has_line(text, R"(podium_run_phase_seconds_sum{language="py",phase="queue"} 0.5)"))
      << text;
}

TEST(Metrics, KeepsGaugesHeartbeatsAndReloads) {
  Metrics metrics;
  metrics.set_queue(3, 7);
  metrics.set_queue(2, 5);
  metrics.set_connections(11);
  metrics.heartbeats_sent(4);
  metrics.heartbeats_sent(0);
  metrics.set_log_lines_dropped(3);
  metrics.set_log_lines_dropped(3);
  metrics.set_log_lines_dropped(8);
  metrics.reload(Metrics::Reload::kOk);
  metrics.reload(Metrics::Reload::kRefused);
  metrics.reload(Metrics::Reload::kRefused);

  const std::string text = metrics.text({});

  EXPECT_TRUE(has_line(text, "podium_runs_running 2")) << text;
  EXPECT_TRUE(has_line(text, "podium_runs_waiting 5")) << text;
  EXPECT_TRUE(has_line(text, "podium_connections_open 11")) << text;
  EXPECT_TRUE(has_line(text, "podium_heartbeats_total 4")) << text;
  EXPECT_TRUE(has_line(text, "podium_log_lines_dropped_total 8")) << text;
  EXPECT_TRUE(has_line(text, R"(podium_reloads_total{result="failed"} 2)")) << text;
}

TEST(Metrics, CountsWhatAStorageIsAskedForByInstance) {
  Metrics metrics;
  const StorageMeter files = metrics.storage("files");
  metrics.storage("other");

  files.called(StorageCall::kPut, 3ms);
  files.called(StorageCall::kPut, 30ms);
  files.failed(StorageCall::kPut);
  files.took_in(1000);
  files.gave_out(70);

  const std::string text = metrics.text({});
  for (const char* line :
       {R"(podium_storage_operation_seconds_count{operation="put",plugin="files"} 2)",
        R"(podium_storage_operation_seconds_bucket{operation="put",plugin="files",le="0.005"} 1)",
        R"(podium_storage_errors_total{operation="put",plugin="files"} 1)",
        R"(podium_storage_bytes_total{direction="in",plugin="files"} 1000)",
        R"(podium_storage_bytes_total{direction="out",plugin="files"} 70)",
        R"(podium_storage_errors_total{operation="put",plugin="other"} 0)"}) {
    EXPECT_TRUE(has_line(text, line)) << line << "\n" << text;
  }
}

TEST(Metrics, CountsWhatTheDatabaseDoes) {
  Metrics metrics;
  const DatabaseMeter database = metrics.database();

  database.wrote(7, 2ms);
  database.read(100us);
  database.write_failed();
  database.set_waiting(3);

  const std::string text = metrics.text({});
  for (const char* line : {"podium_database_writes_total 7",
                           R"(podium_database_operation_seconds_count{operation="write"} 1)",
                           R"(podium_database_operation_seconds_count{operation="read"} 1)",
                           R"(podium_database_errors_total{operation="write"} 1)",
                           R"(podium_database_errors_total{operation="read"} 0)",
                           "podium_database_writes_waiting 3"}) {
    EXPECT_TRUE(has_line(text, line)) << line << "\n" << text;
  }
}

TEST(Metrics, EscapesWhatCouldBreakALine) {
  Metrics metrics;
  metrics.request_finished("/x\"\n\\\xFF", 200, 0, false);

  const std::string text = metrics.text({});

  EXPECT_TRUE(
      has_line(text, "podium_requests_total{route=\"/x\\\"\\n\\\\\uFFFD\",status=\"200\"} 1"))
      << text;
}

Metrics::Samples samples_of(std::vector<Metrics::Sample> list) {
  return [list = std::move(list)](const std::function<void(const Metrics::Sample&)>& each) {
    for (const Metrics::Sample& sample : list) each(sample);
  };
}

TEST(Metrics, GroupsTheSamplesOfPluginsByName) {
  const Metrics metrics;

  const std::string text =
      metrics.text(samples_of({{"shells", "Shells\nready.", R"(tier="full")", false, 4},
                               {"kills_total", "Kills.", "", true, 1e21},
                               {"shells", "", R"(tier="bare",x="a,b\"\\")", false, -0.5}}));

  EXPECT_NE(text.find("# HELP shells Shells\\nready.\n# TYPE shells gauge\n"
                      "shells{tier=\"bare\",x=\"a,b\\\"\\\\\"} -0.5\nshells{tier=\"full\"} 4\n"),
            std::string::npos)
      << text;
  EXPECT_TRUE(has_line(text, "# TYPE kills_total counter"));
  EXPECT_TRUE(has_line(text, "kills_total 1e+21"));
  EXPECT_TRUE(has_line(text, "podium_plugin_samples_refused 0"));
}

TEST(Metrics, WritesValuesThatAreNoNumbersAsPrometheusDoes) {
  const Metrics metrics;
  const std::string text = metrics.text(samples_of({{"a", "", "", false, std::nan("")},
                                                    {"b", "", "", false, HUGE_VAL},
                                                    {"c", "", "", false, -HUGE_VAL}}));
  EXPECT_TRUE(has_line(text, "a NaN") && has_line(text, "b +Inf") && has_line(text, "c -Inf"))
      << text;
}

TEST(Metrics, LeavesOutAndCountsSamplesThatWouldSpoilThePage) {
  const Metrics metrics;

  const std::string text =
      metrics.text(samples_of({{"good", "", "", false, 1},
                               {"good", "", "", false, 2},        // twice
                               {"good", "", "a=\"1\"", true, 3},  // another type
                               {"podium_runs_running", "", "", false, 4},
                               {"podium_request_seconds_sum", "", "", false, 4},
                               {"bad name", "", "", false, 5},
                               {"", "", "", false, 6},
                               {"x\ny", "", "", false, 7},
                               {"z", "", "a=\"1\"} 9\nforged{b=\"2\"", false, 8}}));

  EXPECT_TRUE(has_line(text, "good 1")) << text;
  EXPECT_TRUE(has_line(text, "podium_plugin_samples_refused 8")) << text;
  EXPECT_EQ(text.find("forged"), std::string::npos);
}

TEST(IsLabelList, AcceptsOnlyWhatMayStandInBraces) {
  for (const char* labels : {"", R"(a="1")", R"(a="",b_2="x y,}{")", R"(a="\\\"\n")", "a=\"é\""}) {
    EXPECT_TRUE(is_label_list(labels)) << labels;
  }
  for (const char* labels : {"a", "a=", "a=1", R"(a="1)", R"(a="1",)", R"(a="1" ,b="2")", R"(="1")",
                             R"(1a="1")", R"(a:b="1")", R"(a="\x")", R"(a="\)", "a=\"\n\"",
                             "a=\"\xFF\"", R"(a="1"b="2")", R"(a="1",a="2")", ","}) {
    EXPECT_FALSE(is_label_list(labels)) << labels;
  }
}

TEST(Metrics, MayBeUsedFromManyThreads) {
  Metrics metrics;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&metrics] {
      for (int i = 0; i < 250; ++i) {
        metrics.request_finished("/exec", 200, 0.1, false);
        metrics.heartbeats_sent(1);
        if (i % 50 == 0) {
          EXPECT_FALSE(metrics.text({}).empty());
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  const std::string text = metrics.text({});
  EXPECT_TRUE(has_line(text, R"(podium_requests_total{route="/exec",status="200"} 1000)")) << text;
  EXPECT_TRUE(has_line(text, "podium_heartbeats_total 1000")) << text;
}

}  // namespace
}  // namespace podium
