/// Kind response.

#include <algorithm>
#include <cstring>
#include <thread>

#include "../json_document.hpp"
#include "../plugin.hpp"

namespace podium::conform {
namespace {

using sdk::testing::BufferSink;

constexpr const char* kResults[] = {
    "{}", "{\"stdout\":\"\",\"stderr\":\"\"}",
    "{\"stdout\":\"a\\nb\\u0000 \\\"\\\\\",\"files\":[{\"id\":\"x\"}],\"n\":1.5e3,\"o\":null}",
    "{\"session_id\":\"s\",\"stdout\":\"\xc3\xa4\xf0\x9f\x8c\x8d\",\"error\":\"deadline\"}"};

podium_response_traits traits_of(const MadeResponse& made) {
  podium_response_traits traits{};
  traits.size = sizeof traits;
  enter("get_traits", [&] { made->get_traits(made.self(), &traits); });
  return traits;
}

struct Subject {
  explicit Subject(Context& context)
      : library(context.settings.library),
        made(make_response(context, library)),
        traits(traits_of(*made)) {}
  bool streams() const { return traits.first_window_ms >= 0; }
  /// Whether events drive it; then every answer is a stream of them, an ordinary one too.
  bool by_events() const { return made->extension(PODIUM_EXT_EVENT_STREAM) != nullptr; }
  const char* ordinary_type() const { return by_events() ? traits.media_type : "application/json"; }
  void must_stream() const {
    if (!streams()) throw NotRun("it never streams: its first_window_ms is below 0");
  }
  Library library;
  std::unique_ptr<MadeResponse> made;
  podium_response_traits traits;
};

/// One streamed answer; ended at the end.
class Stream {
 public:
  Stream(MadeResponse& made, BufferSink& out)
      : made_(made),
        out_(out.raw()),
        events_(static_cast<const podium_event_stream*>(made.extension(PODIUM_EXT_EVENT_STREAM))) {
    began_ = ask("begin", [&](podium_error* error) {
      return made->begin(made.self(), &stream_, out.raw(), error);
    });
  }
  ~Stream() {
    if (!began_.ok()) return;
    try {
      enter("end_stream", [&] { made_->end_stream(made_.self(), stream_); });
    } catch (...) {
      // Told by the case that looks for exceptions in everything.
    }
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  const Answer& began() const { return began_; }
  /// What follows goes there.
  void redirect(const podium_buffer& out) { out_ = &out; }
  Answer tick() {
    return ask("tick", [&](podium_error* error) {
      return made_->tick(made_.self(), stream_, out_, error);
    });
  }
  /// A strategy of events hears of output and of the end by these alone.
  Answer chunk(std::uint32_t number, std::string_view data) {
    if (events_ != nullptr)
      return event(number == 1 ? "stdout" : "stderr", "{\"data\":\"text\\n\"}");
    return ask("chunk", [&](podium_error* error) {
      return made_->chunk(made_.self(), stream_, number, sdk::bytes(data), out_, error);
    });
  }
  Answer finish(std::string_view json, std::uint32_t status = 200) {
    if (events_ != nullptr) return event("end", json);
    const podium_result result{sizeof result, status, sdk::bytes(json)};
    return ask("finish", [&](podium_error* error) {
      return made_->finish(made_.self(), stream_, &result, out_, error);
    });
  }

 private:
  Answer event(std::string_view name, std::string_view json) {
    const podium_event event{sizeof event, 0, ++last_id_, sdk::bytes(name), sdk::bytes(json)};
    return ask("event", [&](podium_error* error) {
      return events_->event(made_.self(), stream_, &event, out_, error);
    });
  }

  MadeResponse& made_;
  const podium_buffer* out_;
  const podium_event_stream* const events_;
  std::uint64_t last_id_ = 0;
  podium_response_stream* stream_ = nullptr;
  Answer began_;
};

Answer answer_at_once(MadeResponse& made, std::string_view json, const podium_buffer* out,
                      std::uint32_t status = 200) {
  const podium_result result{sizeof result, status, sdk::bytes(json)};
  return ask("finish", [&](podium_error* error) {
    return made->finish(made.self(), nullptr, &result, out, error);
  });
}

/// RFC of the media type: events are groups of lines, each a field or a comment, with an empty line
/// behind.
std::string why_no_event_stream(std::string_view text) {
  if (!is_utf8(text)) return "it is no UTF-8";
  if (!text.ends_with("\n\n") && !text.ends_with("\r\n\r\n"))
    return "the last event has no empty line behind it";
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    std::string_view line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::string_view field = line.substr(0, line.find(':'));
    if (!line.empty() && !field.empty() && field != "data" && field != "event" && field != "id" &&
        field != "retry") {
      return "the line " + shown(line) + " is no field";
    }
    at = end + 1;
  }
  return {};
}

/// Each line is a JSON document.
std::string why_no_json_lines(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) {
      const std::string reason = why_not_json(line);
      if (!reason.empty()) return reason + " of the line " + shown(line);
    }
    at = end + 1;
  }
  return {};
}

/// Whether an answer is what its media type says.
void must_be_whole(const std::string& what, std::string_view media_type, const std::string& text) {
  const std::string_view type = media_type.substr(0, media_type.find(';'));
  std::string reason, expected = "text in UTF-8";
  if (type == "application/json" || type.ends_with("+json")) {
    reason = why_not_json(text);
    expected = "one valid JSON document";
  } else if (type == "application/x-ndjson" || type == "application/jsonl") {
    reason = why_no_json_lines(text);
    expected = "a JSON document in each line";
  } else if (type == "text/event-stream") {
    reason = why_no_event_stream(text);
    expected = "an event stream";
  } else if (type.starts_with("text/") && !is_utf8(text)) {
    reason = "it is no UTF-8";
  }
  if (!reason.empty()) throw Broken(what + ": " + reason + ": " + shown(text), expected);
}

bool is_media_type(std::string_view type) {
  const std::size_t slash = type.find('/');
  bool good =
      slash != std::string_view::npos && slash > 0 && slash + 1 < type.size() && type.size() <= 200;
  for (const char c : type)
    good = good && static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7f;
  return good;
}

void has_sound_traits(Context& context) {
  const Subject it(context);
  const podium_response_traits& traits = it.traits;
  if (traits.media_type == nullptr || !is_media_type(traits.media_type)) {
    throw Broken("its media type is " + (traits.media_type == nullptr ? std::string("NULL")
                                                                      : shown(traits.media_type)),
                 "type/subtype in printable ASCII: it becomes a header");
  }
  if (it.streams() && traits.interval_ms <= 0) {
    throw Broken("its interval_ms is " + std::to_string(traits.interval_ms),
                 "more than 0: ticks come by it");
  }
  const podium_response_traits again = traits_of(*it.made);
  if (again.first_window_ms != traits.first_window_ms || again.interval_ms != traits.interval_ms ||
      std::strcmp(again.media_type, traits.media_type) != 0) {
    throw Broken("get_traits said something else the second time", "constant traits");
  }
}

void answers_at_once(Context& context) {
  Subject it(context);
  for (const char* json : kResults) {
    BufferSink out;
    must_succeed("finish without a stream", answer_at_once(*it.made, json, out.raw()));
    must_be_whole("an ordinary answer", it.ordinary_type(), out.text());
  }
}

void answers_errors(Context& context) {
  Subject it(context);
  for (const std::uint32_t status : {400u, 401u, 404u, 413u, 429u, 500u, 503u}) {
    BufferSink out;
    must_succeed("finish of an error",
                 answer_at_once(*it.made, "{\"error\":\"what was wrong\"}", out.raw(), status));
    must_be_whole("the answer of status " + std::to_string(status), it.ordinary_type(), out.text());
  }
}

/// A stream with so many ticks, and chunks where `chunks` says so.
std::string streamed(Subject& it, int ticks, bool chunks, std::string_view json) {
  BufferSink out;
  Stream stream(*it.made, out);
  must_succeed("begin", stream.began());
  for (int i = 0; i < ticks; ++i) {
    must_succeed("tick", stream.tick());
    if (!chunks) continue;
    must_succeed("chunk", stream.chunk(1, "printed \"text\"\n"));
    must_succeed("chunk", stream.chunk(2, std::string_view("\xff\0\x1b{]", 5)));
    must_succeed("chunk", stream.chunk(1, ""));
  }
  must_succeed("finish", stream.finish(json));
  return out.text();
}

void is_whole_whatever_the_ticks(Context& context) {
  Subject it(context);
  it.must_stream();
  for (const char* json : kResults) {
    for (const int ticks : {0, 1, 2, 3, 10, 1000}) {
      must_be_whole("an answer after " + std::to_string(ticks) + " ticks", it.traits.media_type,
                    streamed(it, ticks, false, json));
    }
  }
}

void is_whole_with_output(Context& context) {
  Subject it(context);
  it.must_stream();
  for (const int ticks : {1, 2, 20}) {
    must_be_whole("an answer with output between " + std::to_string(ticks) + " ticks",
                  it.traits.media_type, streamed(it, ticks, true, kResults[2]));
  }
}

void has_a_result(Context& context) {
  Subject it(context);
  const std::string marked = "{\"stdout\":\"podium-conform was here\"}";
  BufferSink out;
  must_succeed("finish without a stream", answer_at_once(*it.made, marked, out.raw()));
  const bool at_once = out.text().find("podium-conform was here") != std::string::npos;
  const bool in_stream =
      !it.streams() ||
      streamed(it, 2, false, marked).find("podium-conform was here") != std::string::npos;
  if (!at_once || !in_stream) {
    throw Broken(std::string(at_once ? "a streamed" : "an ordinary") + " answer lacks the result",
                 "what podium_result.json says");
  }
}

void says_something_at_a_tick(Context& context) {
  Subject it(context);
  it.must_stream();
  BufferSink out;
  Stream stream(*it.made, out);
  must_succeed("begin", stream.began());
  // With events the first of them follows at once.
  if (out.text().empty() && !it.by_events())
    throw Broken("begin appended nothing", "the first bytes: a client waits for them");
  const std::size_t before = out.text().size();
  must_succeed("tick", stream.tick());
  if (out.text().size() == before)
    throw Broken("a tick appended nothing", "bytes that keep the connection alive");
  must_succeed("finish", stream.finish(kResults[1]));
}

/// A buffer of a host that is out of memory; counts what it refused.
struct Full {
  int refused = 0;
  podium_buffer buffer{sizeof(podium_buffer), this, [](void* ctx, podium_bytes) {
                         ++static_cast<Full*>(ctx)->refused;
                         return false;
                       }};
};

void must_notice(const char* function, const Full& full, const Answer& answer) {
  if (full.refused > 0 && answer.ok()) {
    throw Broken(std::string(function) + " answered PODIUM_OK though the buffer refused",
                 "an error");
  }
}

void bears_a_full_host(Context& context) {
  Subject it(context);
  Full full;
  must_notice("finish", full, answer_at_once(*it.made, kResults[1], &full.buffer));
  if (!it.streams()) return;
  BufferSink out;
  Stream stream(*it.made, out);
  must_succeed("begin", stream.began());
  stream.redirect(full.buffer);
  full.refused = 0;
  must_notice("tick", full, stream.tick());
  full.refused = 0;
  must_notice("finish", full, stream.finish(kResults[1]));
}

void bears_an_early_end(Context& context) {
  Subject it(context);
  it.must_stream();
  for (int i = 0; i < 100; ++i) {
    BufferSink out;
    Stream stream(*it.made, out);
    must_succeed("begin", stream.began());
    if (i % 2 == 0) must_succeed("tick", stream.tick());
  }
  must_be_whole("an answer after 100 that were left", it.traits.media_type,
                streamed(it, 1, false, kResults[1]));
}

void keeps_streams_apart(Context& context) {
  Subject it(context);
  it.must_stream();
  const std::string alone = streamed(it, 5, true, kResults[2]);
  std::vector<std::string> got(8);
  std::vector<std::exception_ptr> thrown(got.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < got.size(); ++i) {
    threads.emplace_back([&, i] {
      try {
        for (int round = 0; round < 50; ++round) got[i] = streamed(it, 5, true, kResults[2]);
      } catch (...) {
        thrown[i] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (thrown[i]) std::rethrow_exception(thrown[i]);
    must_be_whole("one of eight answers at a time", it.traits.media_type, got[i]);
    // Times and counters may differ; the amount does not by much.
    if (got[i].size() > alone.size() + 200 || got[i].size() + 200 < alone.size()) {
      throw Broken("one of eight answers at a time has " + std::to_string(got[i].size()) + " bytes",
                   "about " + std::to_string(alone.size()) + ", as alone");
    }
  }
}

}  // namespace

void exercise(Context&, MadeResponse& made) {
  BufferSink out, full;
  full.fail();
  static_cast<void>(answer_at_once(made, kResults[1], out.raw()));
  static_cast<void>(answer_at_once(made, kResults[1], full.raw()));
  if (traits_of(made).first_window_ms < 0) return;
  for (BufferSink* to : {&out, &full}) {
    Stream stream(made, *to);
    if (!stream.began().ok()) continue;
    static_cast<void>(stream.tick());
    static_cast<void>(stream.chunk(1, "text"));
    static_cast<void>(stream.chunk(2, std::string_view("\xff\0", 2)));
    static_cast<void>(stream.finish(kResults[1]));
  }
}

std::vector<Case> response_cases() {
  constexpr Kind kKind = Kind::kResponse;
  return {
      {"response/traits", "traits are constant, with a media type that can be a header", kKind,
       false, has_sound_traits},
      {"response/ordinary", "an ordinary answer is one valid JSON document", kKind, false,
       answers_at_once},
      {"response/errors", "so is that of an error", kKind, false, answers_errors},
      {"response/result", "an answer has the result", kKind, false, has_a_result},
      {"response/any_ticks",
       "a streamed answer is whole whatever the ticks: one valid JSON document, or what its media "
       "type says",
       kKind, false, is_whole_whatever_the_ticks},
      {"response/chunks", "it is whole whatever the program prints meanwhile", kKind, false,
       is_whole_with_output},
      {"response/keeps_alive", "begin and each tick append something", kKind, false,
       says_something_at_a_tick},
      {"response/refusing_buffer", "calls fail when the host's buffer refuses", kKind, false,
       bears_a_full_host},
      {"response/early_end", "a stream may end without finish", kKind, false, bears_an_early_end},
      {"response/overlap", "answers at a time do not disturb each other", kKind, false,
       keeps_streams_apart},
  };
}

}  // namespace podium::conform
