#include "cli/status.hpp"

#include <gtest/gtest.h>

#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace podium::cli {
namespace {

constexpr const char* kStatusAnswer = R"({
  "status": "healthy", "version": "0.1.0",
  "plugins": {
    "pods": {"status": "healthy", "plugin": "org.podium.runtime.python-pod 0.1.0", "detail": {
      "tiers": {
        "bare": {"available": 2, "busy": 1, "target": 3, "waiting": 0, "hits": 120, "misses": 4,
                 "deaths": 5, "recycles": 6, "refill_ms": 7, "left_out": false, "zygote_ready": true},
        "numpy": {"available": 0, "busy": 0, "target": 2, "waiting": 0, "hits": 0, "misses": 0,
                  "deaths": 0, "recycles": 0, "refill_ms": 0, "left_out": true, "zygote_ready": false}},
      "sandbox": {"cgroup": "v2"}}},
    "files": {"status": "healthy", "detail": {"free": 5}}}})";

std::string printed() {
  std::ostringstream out;
  print_status(out, json_parse(kStatusAnswer));
  return out.str();
}

/// The words of the line that begins with `first`.
std::vector<std::string> row(const std::string& first) {
  std::istringstream lines(printed());
  for (std::string line; std::getline(lines, line);) {
    std::istringstream in(line);
    std::vector<std::string> words(std::istream_iterator<std::string>(in), {});
    if (!words.empty() && words.front() == first) return words;
  }
  return {};
}

TEST(Status, ShowsEachTierOfAPoolAsARowOfFigures) {
  EXPECT_EQ(row("pool"),
            (std::vector<std::string>{"pool", "available", "busy", "target", "waiting", "hits",
                                      "misses", "deaths", "recycles", "refill_ms"}));
  EXPECT_EQ(row("bare"),
            (std::vector<std::string>{"bare", "2", "1", "3", "0", "120", "4", "5", "6", "7"}));
}

TEST(Status, SaysThatATierIsLeftOut) {
  const auto words = row("numpy");

  ASSERT_GE(words.size(), 2u);
  EXPECT_EQ(words[words.size() - 2] + " " + words.back(), "left out");
}

TEST(Status, ShowsOtherDetailsAsTheyAre) {
  EXPECT_EQ(row("free"), (std::vector<std::string>{"free", "5"}));
  EXPECT_EQ(row("sandbox"), (std::vector<std::string>{"sandbox", R"({"cgroup":"v2"})"}));
}

}  // namespace
}  // namespace podium::cli
