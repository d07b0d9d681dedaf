#include "obs/log_writer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/fd.hpp"
#include "obs/log.hpp"

namespace podium {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// A pipe whose reader reads only when the test says so.
class Stalled {
 public:
  Stalled() {
    ::signal(SIGPIPE, SIG_IGN);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    read_ = UniqueFd(ends[0]);
    write_ = UniqueFd(ends[1]);
    const int flags = ::fcntl(fd(), F_GETFL);
    ::fcntl(fd(), F_SETFL, flags | O_NONBLOCK);
    for (const std::size_t size : {4096, 1}) {
      const std::string blank(size, '\n');
      while (::write(fd(), blank.data(), blank.size()) > 0) {
      }
    }
    ::fcntl(fd(), F_SETFL, flags);
  }
  int fd() const { return write_.get(); }
  void close_reader() { read_.reset(); }

  /// The next line that is not blank.
  std::string line() {
    std::string text;
    for (char c; ::read(read_.get(), &c, 1) == 1;) {
      if (c != '\n') {
        text += c;
      } else if (!text.empty()) {
        return text;
      }
    }
    return "the end";
  }
  /// The same without the time.
  std::string message() { return line().substr(25); }

 private:
  UniqueFd read_, write_;
};

TEST(LogWriter, MakesNobodyWaitWhoLogsWhileNobodyReadsTheLog) {
  Stalled pipe;
  Log log(pipe.fd());
  log.start_writer();

  for (int i = 0; i < 100; ++i) log.error("line", {{"n", i}});  // would wait for ever

  for (int i = 0; i < 100; ++i) EXPECT_EQ(pipe.message(), "error line n=" + std::to_string(i));
  EXPECT_EQ(log.lines_dropped(), 0u);
}

TEST(LogWriter, CountsLinesWithoutRoomAndTellsWhenThereIsRoomAgain) {
  Stalled pipe;
  Log log(pipe.fd());
  log.start_writer({20, 1u << 20});

  for (int i = 0; i < 100; ++i) log.info("line");

  const std::uint64_t dropped = log.lines_dropped();
  EXPECT_GE(dropped, 81u);
  EXPECT_LE(dropped, 82u);  // the thread may hold one
  std::uint64_t told = 0;
  std::size_t lines = 0;
  while (told < dropped) {
    const std::string message = pipe.message();
    const std::string start = "warning lines were dropped, the log is not read fast enough lines=";
    if (message.starts_with(start)) {
      told += std::stoul(message.substr(start.size()));
    } else {
      EXPECT_EQ(message, "info  line");
      ++lines;
    }
  }
  EXPECT_EQ(told, dropped);
  while (lines < 100 - dropped && pipe.message() == "info  line") ++lines;
  EXPECT_EQ(lines, 100 - dropped);
}

TEST(LogWriter, BoundsTheBytesThatWait) {
  Stalled pipe;
  Log log(pipe.fd());
  log.start_writer({10'000, 100'000});

  for (int i = 0; i < 100; ++i) log.info(std::string(5000, 'x'));

  EXPECT_GE(log.lines_dropped(), 100 - 90'000u / 5000 - 1);
  EXPECT_EQ(pipe.message(), "info  " + std::string(5000, 'x'));
}

TEST(LogWriter, KeepsRoomForErrorsInAFloodOfOtherLines) {
  Stalled pipe;
  Log log(pipe.fd());
  log.start_writer({20, 1u << 20});

  for (int i = 0; i < 100; ++i) log.info("flood");
  log.error("what matters");

  std::string message = pipe.message();
  while (message == "info  flood" || message.starts_with("warning lines were dropped")) {
    message = pipe.message();
  }
  EXPECT_EQ(message, "error what matters");
}

TEST(LogWriter, WaitsForANonBlockingReaderInsteadOfLosingLines) {
  Stalled pipe;
  ::fcntl(pipe.fd(), F_SETFL, ::fcntl(pipe.fd(), F_GETFL) | O_NONBLOCK);
  Log log(pipe.fd());
  log.start_writer();

  log.info("line");

  EXPECT_EQ(pipe.message(), "info  line");
  EXPECT_TRUE(log.flush(60s));
  EXPECT_EQ(log.lines_dropped(), 0u);
}

TEST(LogWriter, FlushReturnsWhenAllIsWrittenAndAtItsLimitWhenNobodyReads) {
  Stalled pipe;
  Log log(pipe.fd());
  log.start_writer();
  log.error("last words");

  EXPECT_FALSE(log.flush(10ms));
  EXPECT_EQ(pipe.message(), "error last words");
  EXPECT_TRUE(log.flush(60s));
}

TEST(LogWriter, EndsSoonWhenNobodyReads) {
  // For good, as a daemon's stderr: the thread that is left behind may still use it.
  static Stalled* const kept = new Stalled;
  Stalled& pipe = *kept;
  const Clock::time_point start = Clock::now();
  {
    Log log(pipe.fd());
    log.start_writer();
    for (int i = 0; i < 100; ++i) log.info("line");
  }
  const auto took = Clock::now() - start;

  EXPECT_GE(took, 2s);
  EXPECT_LT(took, 30s);
  pipe.close_reader();  // sets its thread free
}

TEST(LogWriter, WritesWhatItWasGivenBeforeItEnds) {
  Stalled pipe;
  std::thread reader;
  std::vector<std::string> got;
  {
    Log log(pipe.fd());
    log.start_writer();
    for (int i = 0; i < 50; ++i) log.info("line");
    reader = std::thread([&] {
      for (int i = 0; i < 50; ++i) got.push_back(pipe.message());
    });
  }
  reader.join();

  EXPECT_EQ(got, std::vector<std::string>(50, "info  line"));
}

TEST(LogWriter, CountsWhatNobodyTakesAnyMore) {
  Stalled pipe;
  pipe.close_reader();
  Log log(pipe.fd());
  log.start_writer();

  log.info("to nobody");

  EXPECT_TRUE(log.flush(60s));
  EXPECT_EQ(log.lines_dropped(), 1u);
}

TEST(LogWriter, LastWordsAreGivenUpWhenNobodyReads) {
  Stalled pipe;
  const Clock::time_point start = Clock::now();

  write_within(pipe.fd(), "podiumd: it ends\n", 50ms);

  EXPECT_LT(Clock::now() - start, 30s);
}

TEST(LogWriter, LastWordsAreWrittenWholeWhenSomebodyReads) {
  Stalled pipe;
  const std::string words(100'000, 'w');
  std::thread writer([&] { write_within(pipe.fd(), words + "\n", 60s); });

  EXPECT_EQ(pipe.line(), words);
  writer.join();
}

}  // namespace
}  // namespace podium
