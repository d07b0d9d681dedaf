// The payload of a run, as a pod and a job's runner read it. What was read whole is written again
// and must be the same bytes; nothing is read outside of them.

#include <span>
#include <vector>

#include "fuzz/fuzz.hpp"
#include "payload.hpp"

namespace {

using podium::sandbox::PayloadReader;
using podium::sandbox::PayloadWriter;

/// A list as the reader made it; nothing when it is cut.
struct List {
  explicit List(PayloadReader& reader) : items(reader.list()) {
    for (char** at = items; at != nullptr && *at != nullptr; ++at) texts.emplace_back(*at);
  }
  ~List() {
    for (char** at = items; at != nullptr && *at != nullptr; ++at) std::free(*at);
    std::free(items);
  }
  List(const List&) = delete;
  List& operator=(const List&) = delete;

  char** items;
  std::vector<std::string> texts;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = podium::fuzz::text_of(data, size);
  PayloadReader reader(bytes);
  const std::string_view name = reader.string(), code = reader.string();
  const List compile(reader), command(reader), environment(reader);
  if (!reader.ok()) return 0;

  PayloadWriter writer;
  writer.string(name);
  writer.string(code);
  for (const auto* list : {&compile, &command, &environment}) writer.list(list->texts);
  const std::string& again = writer.bytes();
  // Items end at their first NUL, as execve(2) has it: those are shorter now.
  if (again.size() != bytes.size()) {
    podium::fuzz::check(again.size() < bytes.size(), "what is read is not more than what came");
    return 0;
  }
  podium::fuzz::check(again == bytes, "what is read is what was written");
  return 0;
}
