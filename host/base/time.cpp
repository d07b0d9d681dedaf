#include "base/time.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace podium {
namespace {

/// Calendar fields in UTC. Times outside the years 0 to 9999, which neither form can write, are
/// moved to the nearest one inside.
struct Civil {
  int year;
  unsigned month, day, weekday, hour, minute, second, millisecond;
};

Civil civil(EpochMs time) {
  using namespace std::chrono;
  constexpr EpochMs kFirst = -62'167'219'200'000;  // 0000-01-01T00:00:00.000Z
  constexpr EpochMs kLast = 253'402'300'799'999;   // 9999-12-31T23:59:59.999Z
  const sys_time<milliseconds> point{milliseconds{std::clamp(time, kFirst, kLast)}};
  const auto midnight = floor<days>(point);
  const year_month_day date{midnight};
  const hh_mm_ss clock{point - midnight};
  return {int{date.year()},
          unsigned{date.month()},
          unsigned{date.day()},
          weekday{midnight}.c_encoding(),
          static_cast<unsigned>(clock.hours().count()),
          static_cast<unsigned>(clock.minutes().count()),
          static_cast<unsigned>(clock.seconds().count()),
          static_cast<unsigned>(clock.subseconds().count())};
}

}  // namespace

EpochMs epoch_ms_now() noexcept {
  using namespace std::chrono;
  return floor<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string iso8601(EpochMs time) {
  const Civil c = civil(time);
  std::array<char, 96> text;
  const int size = std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02u:%02u:%02u.%03uZ",
                                 c.year, c.month, c.day, c.hour, c.minute, c.second, c.millisecond);
  return std::string(text.data(), static_cast<std::size_t>(size));
}

std::string http_date(EpochMs time) {
  // Not strftime, whose names follow the locale.
  constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const Civil c = civil(time);
  std::array<char, 96> text;
  const int size = std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02u:%02u:%02u GMT",
                                 kDays[c.weekday], c.day, kMonths[c.month - 1], c.year, c.hour,
                                 c.minute, c.second);
  return std::string(text.data(), static_cast<std::size_t>(size));
}

}  // namespace podium
