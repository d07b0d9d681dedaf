#include <algorithm>
#include <cctype>
#include <numeric>

#include "config/options.hpp"

namespace podium {
namespace {

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

/// Insertions, deletions and replacements that turn `a` into `b`, without regard to case.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string nearest_key(std::string_view key, const std::vector<std::string>& known) {
  constexpr std::size_t kLongest = 64;  // no key of ours is longer; bounds the work
  if (key.empty() || key.size() > kLongest) return {};
  std::string nearest;
  // A third of the letters may be wrong: two swapped ones in a short word count as two.
  std::size_t best = std::max<std::size_t>(2, key.size() / 3) + 1;
  for (const std::string& name : known) {
    const std::size_t distance = edit_distance(key, name);
    if (distance < best && distance < std::max(key.size(), name.size())) {
      best = distance;
      nearest = name;
    }
  }
  return nearest;
}

}  // namespace podium
