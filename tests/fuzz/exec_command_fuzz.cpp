// The body of POST /exec: JSON and what is made of it. JSON that is accepted is written and read
// again to the same value.

#include "base/failure.hpp"
#include "base/json.hpp"
#include "config/config.hpp"
#include "fuzz/fuzz.hpp"
#include "http/exec_command.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace podium;
  static const Config config = parse_config("{}", "default");
  try {
    Json body = json_parse(fuzz::text_of(data, size), {.max_bytes = 1 << 20, .max_values = 10'000});
    fuzz::check(json_parse(json_dump(body)) == body, "written and read again it is the same");
    fuzz::check(json_parse(json_dump_pretty(body)) == body, "and so for people");
    take_body_key(body);
    const ExecCommand command = parse_exec_command(body, config);
    fuzz::check(config.language(command.language) != nullptr, "its language is known");
    fuzz::check(!command.code.empty(), "it has code");
  } catch (const Failure& failure) {
    fuzz::check(failure.code() != Code::kInternal, "a client's fault is told as one");
  }
  try {
    split_shell_words(fuzz::text_of(data, size));
  } catch (const Failure&) {
  }
  return 0;
}
