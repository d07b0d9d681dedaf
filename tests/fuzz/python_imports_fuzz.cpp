// The scanner that finds the imports of a program: reads anything, and only names come of it.

#include "fuzz/fuzz.hpp"
#include "imports.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view code = podium::fuzz::text_of(data, size);
  for (const auto& module : podium::python_pod::imported_modules(code)) {
    podium::fuzz::check(!module.empty() && code.find(module) != std::string_view::npos,
                        "a name that stands in the program");
  }
  return 0;
}
