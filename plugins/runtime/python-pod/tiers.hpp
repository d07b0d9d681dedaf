#pragma once
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace podium::python_pod {

/// What a zygote has imported for its pods.
struct Tier {
  std::string name;                  ///< as configured: "numpy", "numpy,pandas"; "bare" for ""
  std::vector<std::string> modules;  ///< in the order of import; empty for the bare one

  std::string argument() const;  ///< the modules, separated by commas
};

/// Reads the configured list. Throws podium::sdk::Error that names the entry at fault: an empty
/// list, a name that is not one of a module, a tier named twice.
std::vector<Tier> read_tiers(const std::vector<std::string>& configured);

/// The tier for code that imports these modules: the smallest of the usable ones that has most of
/// what the code wants of what any of them has. A known package that imports others, such as scipy,
/// wants them too. `usable` says which tiers can be used now; -1 when none can.
int choose_tier(const std::vector<Tier>& tiers, const std::set<std::string, std::less<>>& imports,
                const std::function<bool(std::size_t)>& usable);

}  // namespace podium::python_pod
