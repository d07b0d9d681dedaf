// A configuration file: refused with a message, or understood.

#include "base/failure.hpp"
#include "config/config.hpp"
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace podium;
  try {
    const Config config = parse_config(fuzz::text_of(data, size), "file");
    fuzz::check(config.plugin(config.storage) != nullptr, "its storage is one of its plugins");
    for (const auto& language : config.languages) {
      fuzz::check(config.language(language.name) == &language, "a language is found by its name");
      for (const auto& name : language.runtimes) {
        fuzz::check(config.plugin(name) != nullptr, "runtimes are plugins");
      }
    }
  } catch (const Failure& failure) {
    fuzz::check(failure.code() == Code::kInvalidArgument, "a fault of the file is told as one");
    fuzz::check(std::string_view(failure.what()).starts_with("file"), "and where it is");
  }
  return 0;
}
