#pragma once
#include <set>
#include <string>
#include <string_view>

namespace podium::python_pod {

/// The top-level names of the modules that Python code imports, found without running it:
/// "import a.b as c, d" gives a and d, "from a.b import c" gives a. Imports of the code's own
/// package (from . import x) are left out.
///
/// Strings and comments are passed over; what is computed (__import__(name)) is not found. Only a
/// guess that makes the right pod ready: what it misses or makes up costs time and nothing else.
/// Linear in the code, of which no more than the first 256 KiB are read.
std::set<std::string, std::less<>> imported_modules(std::string_view code);

}  // namespace podium::python_pod
