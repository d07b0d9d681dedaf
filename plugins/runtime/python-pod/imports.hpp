#pragma once
#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace podium::python_pod {

/// The top-level names that Python source imports, found without running it: `import a.b as c, d`
/// and `from a.b import c` anywhere in a line of code, also behind ';' and ':'. Strings and comments
/// are passed over, relative imports are not counted. A guess: code that is computed is not seen.
std::set<std::string> imported_modules(std::string_view code);

/// What zygotes of a tier have imported.
using Tier = std::vector<std::string>;

/// The index of the first tier that has every module which the code imports and any usable tier
/// has; `tiers` are ordered from small to large. Well-known packages stand for what they import
/// themselves (scipy for numpy). When none has all, the one that has most. `tiers.size()` when none
/// is usable. A wrong guess is only slower.
std::size_t choose_tier(const std::vector<Tier>& tiers, std::string_view code,
                        const std::function<bool(std::size_t)>& usable);

}  // namespace podium::python_pod
