#include "obs/log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <regex>
#include <thread>
#include <vector>

#include "base/fd.hpp"
#include "base/utf8.hpp"

namespace podium {
namespace {

/// A file in memory that a log writes to.
class Sink {
 public:
  Sink() : fd_(::memfd_create("log", MFD_CLOEXEC)) { ::fcntl(fd_.get(), F_SETFL, O_APPEND); }
  int fd() const { return fd_.get(); }
  std::string text() const {
    std::string out(static_cast<std::size_t>(::lseek(fd_.get(), 0, SEEK_END)), '\0');
    EXPECT_EQ(::pread(fd_.get(), out.data(), out.size(), 0), static_cast<ssize_t>(out.size()));
    return out;
  }
  /// The text behind the time, without the line break.
  std::string line() const {
    const std::string all = text();
    EXPECT_FALSE(all.empty());
    EXPECT_EQ(all.find('\n'), all.size() - 1) << "one line: " << all;
    return all.substr(25, all.size() - 26);
  }

 private:
  UniqueFd fd_;
};

TEST(Log, WritesTimeLevelMessageAndFieldsAsText) {
  const Sink sink;
  const Log log(sink.fd());

  log.info("run finished", {{"id", "abc_DEF-1"}, {"wall_ms", 12}, {"warm", true}, {"ratio", 0.5}});

  EXPECT_TRUE(std::regex_match(
      sink.text(),
      std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info  run finished id=abc_DEF-1 )"
                 R"(wall_ms=12 warm=true ratio=0.5\n)")))
      << sink.text();
}

TEST(Log, NamesEachLevel) {
  const std::pair<void (*)(const Log&), const char*> cases[] = {
      {[](const Log& log) { log.debug("m"); }, "debug m"},
      {[](const Log& log) { log.info("m"); }, "info  m"},
      {[](const Log& log) { log.warning("m"); }, "warning m"},
      {[](const Log& log) { log.error("m"); }, "error m"}};
  for (const auto& [write, expected] : cases) {
    const Sink sink;
    write(Log(sink.fd(), LogLevel::kDebug));
    EXPECT_EQ(sink.line(), expected);
  }
}

TEST(Log, LeavesOutWhatIsBelowItsLevel) {
  const Sink sink;
  Log log(sink.fd(), LogLevel::kWarning);

  log.debug("no");
  log.info("no");
  EXPECT_FALSE(log.enabled(LogLevel::kInfo));
  EXPECT_EQ(sink.text(), "");

  log.configure(LogLevel::kInfo, Log::Format::kText);
  log.info("yes");
  EXPECT_EQ(sink.line(), "info  yes");
}

TEST(Log, CannotBeMadeToBreakALine) {
  const Sink sink;
  const Log log(sink.fd());

  log.info("a\nb\r\x1b[2Jc", {{"k\ney", "v\n2026-01-31T12:00:00.123Z error forged"}});

  EXPECT_EQ(sink.line(),
            "info  a\\nb\\r\\u001b[2Jc \"k\\ney\"=\"v\\n2026-01-31T12:00:00.123Z error forged\"");
}

TEST(Log, CannotBeMadeToForgeAField) {
  const Sink sink;
  const Log log(sink.fd());

  log.info("m", {{"a", "x b=y"}, {"c", "q\"u\\"}, {"d", ""}, {"e", "k=v"}});

  EXPECT_EQ(sink.line(), R"(info  m a="x b=y" c="q\"u\\" d="" e="k=v")");
}

TEST(Log, EscapesC1ControlsSeparatorsAndMarksOfDirection) {
  using namespace std::string_view_literals;
  const Sink sink;
  const Log log(sink.fd());

  log.info("a\u009B31m\u2028\u202Eb\u2066\x7F\uFEFF\0z"sv, {{"name", "é😀 ש"}});

  EXPECT_EQ(sink.line(),
            "info  a\\u009b31m\\u2028\\u202eb\\u2066\\u007f\\ufeff\\u0000z name=\"é😀 ש\"");
}

TEST(Log, ReplacesIllFormedUtf8) {
  const Sink sink;
  const Log log(sink.fd());
  log.info("a\xFFz", {{"v", "\xED\xA0\x80"}});
  EXPECT_EQ(sink.line(), "info  a\uFFFDz v=\"\uFFFD\uFFFD\uFFFD\"");
}

TEST(Log, CutsWhatIsTooLongOnACharacterBoundary) {
  const Sink sink;
  const Log log(sink.fd());
  std::string text;
  for (int i = 0; i < 1'000'000; ++i) text += "é";

  log.info("x" + text, {{"v", text}});

  EXPECT_LT(sink.text().size(), 11'000u);
  EXPECT_TRUE(is_utf8(sink.text()));
  EXPECT_NE(sink.line().find("é… v=\"é"), std::string::npos);
}

TEST(Log, WritesOneJsonObjectALine) {
  const Sink sink;
  const Log log(sink.fd(), LogLevel::kInfo, Log::Format::kJson);

  log.warning("a \"b\"\nc", {{"n", 7},
                             {"s", "x\u2028\u009By"},
                             {"level", "fake"},
                             {"list", Json(Json::Array{1, "\u202E"})}});
  log.info("second");

  const std::string text = sink.text();
  const std::size_t end = text.find('\n');
  const Json first = json_parse(text.substr(0, end));
  EXPECT_EQ(first.find("message")->string(), "a \"b\"\nc");
  EXPECT_EQ(first.find("level")->string(), "warning");
  EXPECT_EQ(first.find("field.level")->string(), "fake");
  EXPECT_EQ(first.find("n")->integer(), 7);
  EXPECT_EQ(first.find("s")->string(), "x\u2028\u009By");
  EXPECT_EQ(first.find("list")->items()[1].string(), "\u202E");
  EXPECT_EQ(first.find("time")->string().size(), 24u);
  EXPECT_EQ(text.find("\u202E"), std::string::npos);
  EXPECT_EQ(json_parse(text.substr(end + 1)).find("message")->string(), "second");
}

TEST(Log, StaysJsonWhenAValueIsTooLong) {
  const Sink sink;
  const Log log(sink.fd(), LogLevel::kInfo, Log::Format::kJson);
  Json list = Json::array();
  for (int i = 0; i < 100'000; ++i) list.push(i);

  log.info(std::string(100'000, 'm'), {{"list", list}, {"s", std::string(100'000, '"')}});

  const Json line = json_parse(sink.text());
  EXPECT_TRUE(line.find("list")->is_string());
  EXPECT_LT(sink.text().size(), 20'000u);
}

TEST(Log, TakesFieldsThatWereGathered) {
  const Sink sink;
  const Log log(sink.fd());
  log.write(LogLevel::kInfo, "m",
            Json::Object{{"a", 1}, {"b", nullptr}, {"c", Json(Json::Array{1, 2})}});
  EXPECT_EQ(sink.line(), "info  m a=1 b=null c=[1,2]");
}

TEST(Log, KeepsLinesOfManyThreadsWhole) {
  const Sink sink;
  const Log log(sink.fd());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&log, t] {
      for (int i = 0; i < 250; ++i) log.info("line", {{"t", t}, {"pad", std::string(100, 'x')}});
    });
  }
  for (std::thread& thread : threads) thread.join();

  const std::string text = sink.text();
  const std::regex whole("[^\n]{24} info  line t=[0-3] pad=x{100}\n");
  const auto count =
      std::distance(std::sregex_iterator(text.begin(), text.end(), whole), std::sregex_iterator());
  EXPECT_EQ(count, 1000);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1000);
}

TEST(Log, GivesUpALineThatNobodyTakesAndKeepsErrno) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  const UniqueFd reader(ends[0]), writer(ends[1]);
  const Log log(writer.get());

  errno = ENOTTY;
  for (int i = 0; i < 10'000; ++i) log.info("fills the pipe");  // would block for ever

  EXPECT_EQ(errno, ENOTTY);
}

}  // namespace
}  // namespace podium
