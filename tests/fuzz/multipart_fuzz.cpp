// A multipart form: cut anywhere, it holds the same parts.

#include <string>

#include "base/failure.hpp"
#include "fuzz/fuzz.hpp"
#include "http/multipart.hpp"

namespace {

using podium::FormEvent;
using podium::MultipartParser;
using podium::fuzz::check;

/// All that a form holds, or what is wrong with it.
std::string read(std::string_view form, std::size_t piece) {
  std::string text;
  int open = 0;
  try {
    MultipartParser parser("edge", {.max_parts = 20, .max_head = 300, .max_preamble = 100});
    std::vector<FormEvent> events;
    for (std::size_t at = 0; at < form.size(); at += piece) {
      events.clear();
      parser.feed(form.substr(at, piece), events);
      for (const auto& event : events) {
        open += event.kind == FormEvent::Kind::kPart      ? 1
                : event.kind == FormEvent::Kind::kPartEnd ? -1
                                                          : 0;
        check(open == 0 || open == 1, "parts come one after the other");
        check(event.kind != FormEvent::Kind::kData || open == 1, "bytes belong to a part");
        if (event.kind == FormEvent::Kind::kPart) {
          text += "[" + event.head.name + "|" + event.head.file_name.value_or("-") + "]";
        }
        text += event.data;
      }
    }
    check(!parser.complete() || open == 0, "a complete form has no open part");
    text += parser.complete() ? "." : "...";
  } catch (const podium::Failure&) {
    return "refused";
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes = podium::fuzz::text_of(data + 1, size - 1);
  check(read(bytes, bytes.size() + 1) == read(bytes, 1 + data[0] % 32), "in pieces as in one");
  try {
    MultipartParser::boundary_of(bytes);
  } catch (const podium::Failure&) {
  }
  return 0;
}
