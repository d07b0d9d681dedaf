#include "base/units.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "base/failure.hpp"

namespace podium {
namespace {

using namespace std::chrono_literals;

template <class Function>
std::string unit_refusal(Function&& parse, std::string_view text) {
  try {
    parse(text);
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), Code::kInvalidArgument);
    return failure.what();
  }
  return {};
}

TEST(ParseDuration, ReadsEveryUnit) {
  EXPECT_EQ(parse_duration("0"), 0ms);
  EXPECT_EQ(parse_duration("0s"), 0ms);
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(parse_duration("30s"), 30s);
  EXPECT_EQ(parse_duration("5m"), 5min);
  EXPECT_EQ(parse_duration("0.25h"), 15min);
  EXPECT_EQ(parse_duration("7d"), 168h);
  EXPECT_EQ(parse_duration("1.500000000s"), 1500ms);
}

TEST(ParseDuration, RefusesWhatIsNoDuration) {
  for (const char* text : {"", "30", "-1s", "+1s", "1 s", " 1s", "1s ", "s", ".5s", "1.s", "1e3s",
                           "1m30s", "1S", "1sec", "0.5ms", "1.0001s", "1,5s", "0x1s", "٣s"}) {
    EXPECT_NE(unit_refusal(parse_duration, text).find("expected a number with a unit"),
              std::string::npos)
        << text;
  }
}

TEST(ParseDuration, RefusesWhatOverflows) {
  EXPECT_EQ(parse_duration("9223372036854775807ms").count(),
            std::numeric_limits<std::int64_t>::max());
  for (const char* text : {"9223372036854775808ms", "99999999999999999999s", "106751991168d",
                           "18446744073709551615ms"}) {
    EXPECT_NE(unit_refusal(parse_duration, text).find("too large"), std::string::npos) << text;
  }
}

TEST(ParseDuration, ShowsTheTextWithoutControlCharacters) {
  const std::string why = unit_refusal(parse_duration, "1\n\x1b[31m");
  EXPECT_EQ(why.substr(0, 9), "\"1??[31m\"");
  EXPECT_LT(unit_refusal(parse_duration, std::string(10'000, '7')).size(), 200u);
}

TEST(ParseSize, ReadsEveryUnit) {
  EXPECT_EQ(parse_size("0"), 0u);
  EXPECT_EQ(parse_size("10B"), 10u);
  EXPECT_EQ(parse_size("64KiB"), 65'536u);
  EXPECT_EQ(parse_size("512MiB"), 536'870'912u);
  EXPECT_EQ(parse_size("2GiB"), 2'147'483'648u);
  EXPECT_EQ(parse_size("1TiB"), 1'099'511'627'776u);
  EXPECT_EQ(parse_size("1kB"), 1'000u);
  EXPECT_EQ(parse_size("1.5MB"), 1'500'000u);
  EXPECT_EQ(parse_size("3GB"), 3'000'000'000u);
  EXPECT_EQ(parse_size("2TB"), 2'000'000'000'000u);
  EXPECT_EQ(parse_size("0.5KiB"), 512u);
}

TEST(ParseSize, RefusesWhatIsNoSize) {
  for (const char* text : {"", "10", "1KB", "1K", "1kb", "1Kib", "0.1B", "0.3KiB", "-1B", "1 MiB",
                           "B", "16777216.5TiB", "16777216TiB", "18446744073709551616B"}) {
    EXPECT_NE(unit_refusal(parse_size, text), "") << text;
  }
}

TEST(FormatDuration, WritesTheShortestText) {
  EXPECT_EQ(format_duration(0ms), "0");
  EXPECT_EQ(format_duration(1ms), "1ms");
  EXPECT_EQ(format_duration(999ms), "999ms");
  EXPECT_EQ(format_duration(1500ms), "1.5s");
  EXPECT_EQ(format_duration(60s), "1m");
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(24h), "1d");
  EXPECT_EQ(format_duration(36h), "36h");
  EXPECT_THROW(format_duration(-1ms), Failure);
}

TEST(FormatSize, WritesTheShortestText) {
  EXPECT_EQ(format_size(0), "0");
  EXPECT_EQ(format_size(1024), "1KiB");
  EXPECT_EQ(format_size(1000), "1kB");
  EXPECT_EQ(format_size(52u << 20), "52MiB");
  EXPECT_EQ(format_size(1536), "1536B");
}

TEST(Format, ReadsBackToTheSameValueEverywhere) {
  const std::uint64_t edges[] = {1, 7, 999, 1001, 65'537, 86'400'001, 1u << 30, (1ull << 53) + 1};
  for (const std::uint64_t value : edges) {
    EXPECT_EQ(parse_size(format_size(value)), value) << format_size(value);
    const std::chrono::milliseconds time{static_cast<std::int64_t>(value)};
    EXPECT_EQ(parse_duration(format_duration(time)), time) << format_duration(time);
  }
  EXPECT_EQ(parse_size(format_size(UINT64_MAX)), UINT64_MAX);
}

}  // namespace
}  // namespace podium
