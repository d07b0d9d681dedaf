// A file's name as a client gives it: refused, or canonical, relative and inside.

#include "base/failure.hpp"
#include "base/file_name.hpp"
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace podium;
  try {
    const std::string name = canonical_file_name(fuzz::text_of(data, size));
    fuzz::check(!name.empty() && name.front() != '/' && name.back() != '/', "relative");
    fuzz::check(("/" + name + "/").find("/../") == std::string::npos, "inside");
    fuzz::check(("/" + name + "/").find("/./") == std::string::npos, "plain");
    fuzz::check(name.find('\0') == std::string::npos && name.find('\\') == std::string::npos,
                "clean");
    if (!name.starts_with("mnt/data/")) {
      fuzz::check(canonical_file_name(name) == name, "canonical names stay as they are");
    }
    media_type_of(name);
  } catch (const Failure& failure) {
    fuzz::check(failure.code() == Code::kInvalidArgument, "the client's fault is told as one");
  }
  return 0;
}
