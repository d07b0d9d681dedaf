#include "base/units.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>

#include "base/failure.hpp"

namespace podium {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// Largest first: of texts of equal length, formatting takes the earlier unit.
constexpr std::array<Unit, 5> kDurations{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 9> kSizes{{{"TiB", std::uint64_t{1} << 40},
                                      {"TB", 1'000'000'000'000},
                                      {"GiB", 1u << 30},
                                      {"GB", 1'000'000'000},
                                      {"MiB", 1u << 20},
                                      {"MB", 1'000'000},
                                      {"KiB", 1u << 10},
                                      {"kB", 1'000},
                                      {"B", 1}}};

struct Scale {
  std::string_view what;      ///< for messages
  std::string_view expected;  ///< for messages
  std::string_view grain;     ///< the smallest unit in words
  std::span<const Unit> units;
  std::uint64_t max;
};

constexpr Scale kDurationScale{
    "a duration", "a number with a unit of ms, s, m, h or d, like \"30s\"", "milliseconds",
    kDurations, std::numeric_limits<std::int64_t>::max()};
constexpr Scale kSizeScale{"a size",
                           "a number with a unit of B, KiB, MiB, GiB, TiB, kB, MB, GB or TB, like "
                           "\"64MiB\"",
                           "bytes", kSizes, std::numeric_limits<std::uint64_t>::max()};

constexpr std::size_t kMaxDecimals = 6;  // 10^6 times the largest unit still fits 64 bits

[[noreturn]] void refuse(const Scale& scale, std::string_view text, std::string_view why) {
  std::string shown(text.substr(0, 40));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E) c = '?';
  }
  throw Failure(Code::kInvalidArgument, "\"" + shown + "\" is not " + std::string(scale.what) +
                                            ": " + std::string(why) + "expected " +
                                            std::string(scale.expected));
}

std::size_t count_digits(std::string_view text) {
  return std::min(text.find_first_not_of("0123456789"), text.size());
}

std::uint64_t parse(const Scale& scale, std::string_view text) {
  if (text == "0") return 0;
  const auto whole_text = text.substr(0, count_digits(text));
  std::string_view rest = text.substr(whole_text.size());
  std::string_view decimals;
  if (!rest.empty() && rest.front() == '.') {
    decimals = rest.substr(1, count_digits(rest.substr(1)));
    if (decimals.empty()) refuse(scale, text, "no digit follows the point; ");
    rest.remove_prefix(1 + decimals.size());
  }
  if (whole_text.empty()) refuse(scale, text, "");
  if (rest.empty()) refuse(scale, text, "the unit is missing; ");
  const auto unit = std::find_if(scale.units.begin(), scale.units.end(),
                                 [&](const Unit& u) { return u.name == rest; });
  if (unit == scale.units.end()) refuse(scale, text, "the unit is unknown; ");
  while (!decimals.empty() && decimals.back() == '0') decimals.remove_suffix(1);
  const std::string grain = "it is no whole number of " + std::string(scale.grain) + "; ";
  if (decimals.size() > kMaxDecimals) refuse(scale, text, grain);

  std::uint64_t whole = 0, fraction = 0, power = 1, value = 0;
  const auto read =
      std::from_chars(whole_text.data(), whole_text.data() + whole_text.size(), whole);
  std::from_chars(decimals.data(), decimals.data() + decimals.size(), fraction);
  for (std::size_t i = 0; i < decimals.size(); ++i) power *= 10;
  fraction *= unit->factor;
  if (fraction % power != 0) refuse(scale, text, grain);
  if (read.ec != std::errc{} || __builtin_mul_overflow(whole, unit->factor, &value) ||
      __builtin_add_overflow(value, fraction / power, &value) || value > scale.max) {
    refuse(scale, text, "it is too large; ");
  }
  return value;
}

/// value / factor in decimal digits, empty when that needs more than kMaxDecimals of them.
std::string decimal(std::uint64_t value, std::uint64_t factor) {
  std::string text = std::to_string(value / factor);
  std::uint64_t remainder = value % factor;
  if (remainder != 0) text += '.';
  for (std::size_t i = 0; remainder != 0; ++i) {
    if (i == kMaxDecimals) return {};
    remainder *= 10;
    text += static_cast<char>('0' + remainder / factor);
    remainder %= factor;
  }
  return text;
}

std::string format(const Scale& scale, std::uint64_t value) {
  if (value == 0) return "0";
  std::string shortest;
  bool shortest_is_whole = false;
  for (const Unit& unit : scale.units) {
    std::string text = decimal(value, unit.factor);
    if (text.empty()) continue;
    const bool whole = value % unit.factor == 0;
    text += unit.name;
    const bool better = shortest.empty() || text.size() < shortest.size() ||
                        (text.size() == shortest.size() && whole && !shortest_is_whole);
    if (!better) continue;
    shortest = std::move(text);
    shortest_is_whole = whole;
  }
  return shortest;
}

}  // namespace

std::chrono::milliseconds parse_duration(std::string_view text) {
  return std::chrono::milliseconds{static_cast<std::int64_t>(parse(kDurationScale, text))};
}

std::uint64_t parse_size(std::string_view text) { return parse(kSizeScale, text); }

std::string format_duration(std::chrono::milliseconds value) {
  if (value.count() < 0) {
    throw Failure(Code::kInvalidArgument, "a duration of " + std::to_string(value.count()) +
                                              " ms has no text: expected 0 or more");
  }
  return format(kDurationScale, static_cast<std::uint64_t>(value.count()));
}

std::string format_size(std::uint64_t bytes) { return format(kSizeScale, bytes); }

}  // namespace podium
