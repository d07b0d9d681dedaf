#include "tiers.hpp"

#include <podium/sdk/values.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace podium::python_pod {
namespace {

/// Packages that import those of the usual tiers.
constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kImply{
    {{"scipy", "numpy"},
     {"sklearn", "numpy"},
     {"cv2", "numpy"},
     {"networkx", "numpy"},
     {"skimage", "numpy"},
     {"pandas", "numpy"},
     {"matplotlib", "numpy"},
     {"statsmodels", "pandas"},
     {"seaborn", "pandas"},
     {"seaborn", "matplotlib"},
     {"pylab", "matplotlib"},
     {"mpl_toolkits", "matplotlib"}}};

constexpr std::size_t kLongestArgument = 255;  // as NewZygote.argument takes it

bool is_module_name(std::string_view name) {
  return !name.empty() && name.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "0123456789_.") == std::string_view::npos;
}

std::string_view top_level(std::string_view module) { return module.substr(0, module.find('.')); }

[[noreturn]] void refuse(const std::string& tier, const std::string& why) {
  throw sdk::Error(PODIUM_INVALID_ARGUMENT, "option 'tiers': entry '" + tier + "' " + why);
}

Tier read_tier(const std::string& text) {
  if (text.empty() || text == "bare") return {"bare", {}};
  Tier tier{text, {}};
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.size(), text.find(',', at));
    std::string module = text.substr(at, end - at);
    if (!is_module_name(module)) {
      refuse(text,
             "has '" + module + "', expected names of modules with commas between, or nothing");
    }
    tier.modules.push_back(std::move(module));
    at = end + 1;
  }
  if (tier.argument().size() > kLongestArgument) refuse(text, "is longer than 255 characters");
  return tier;
}

}  // namespace

std::string Tier::argument() const {
  std::string text;
  for (const auto& module : modules) text += (text.empty() ? "" : ",") + module;
  return text;
}

std::vector<Tier> read_tiers(const std::vector<std::string>& configured) {
  std::vector<Tier> tiers;
  for (const auto& text : configured) {
    Tier tier = read_tier(text);
    if (std::ranges::find(tiers, tier.name, &Tier::name) != tiers.end()) {
      refuse(text, "stands there twice");
    }
    tiers.push_back(std::move(tier));
  }
  if (tiers.empty()) {
    throw sdk::Error(PODIUM_INVALID_ARGUMENT,
                     "option 'tiers' is empty, expected at least one, \"\" is the bare one");
  }
  return tiers;
}

int choose_tier(const std::vector<Tier>& tiers, const std::set<std::string, std::less<>>& imports,
                const std::function<bool(std::size_t)>& usable) {
  auto wanted = imports;
  // Twice, because what is implied may imply more.
  for (int round = 0; round < 2; ++round) {
    for (const auto& [package, other] : kImply) {
      if (wanted.contains(package)) wanted.emplace(other);
    }
  }
  int best = -1;
  std::size_t best_hits = 0, best_size = 0;
  for (std::size_t i = 0; i < tiers.size(); ++i) {
    if (!usable(i)) continue;
    std::set<std::string_view> hits;
    for (const auto& module : tiers[i].modules) {
      if (wanted.contains(top_level(module))) hits.insert(top_level(module));
    }
    const std::size_t size = tiers[i].modules.size();
    if (best < 0 || hits.size() > best_hits || (hits.size() == best_hits && size < best_size)) {
      best = static_cast<int>(i);
      best_hits = hits.size();
      best_size = size;
    }
  }
  return best;
}

}  // namespace podium::python_pod
