#include "exec/tool_talk.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "base/failure.hpp"
#include "base/ids.hpp"
#include "base/units.hpp"
#include "base/utf8.hpp"

namespace podium {
namespace {

// Shells start what runs beside each other one after the other, and say nothing when they wait.
constexpr milliseconds kShellSettles{40};
// Python says when it waits; unless the program has an event loop of its own making.
constexpr milliseconds kPythonSettles{1000};

// As exec/tools has it for programs that keep to it.
constexpr std::size_t kMostInput = 1u << 20;
constexpr std::size_t kMostInputValues = 20'000;

std::string call_name(unsigned number) {
  char text[16];
  std::snprintf(text, sizeof text, "call_%03u", number);
  return text;
}

std::string listed(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

}  // namespace

ToolTalk::ToolTalk(asio::io_context& io, ToolLanguage language, std::vector<Tool> tools)
    : io_(io),
      language_(language),
      tools_(std::move(tools)),
      secret_(new_id()),
      frames_(secret_),
      settle_(io) {}

std::string_view ToolTalk::hear(std::string_view chunk) {
  std::vector<ToolFrames::Word> words;
  const std::string_view printed = frames_.take(chunk, words);
  if (!words.empty()) {
    asio::post(io_, [self = shared_from_this(), words = std::move(words)]() mutable {
      self->listen(std::move(words));
    });
  }
  return printed;
}

void ToolTalk::printed(unsigned stream, std::string_view kept) {
  const std::lock_guard lock(said_mutex_);
  std::string& said = stream == 2 ? said_.err : said_.out;
  said.append(kept.substr(0, kMostSaid - std::min(kMostSaid, said.size())));
}

ToolTalk::Said ToolTalk::said_so_far() const {
  const std::lock_guard lock(said_mutex_);
  return {to_utf8(said_.out), to_utf8(said_.err)};
}

void ToolTalk::listen(std::vector<ToolFrames::Word> words) {
  for (ToolFrames::Word& word : words) {
    if (!fault_.empty()) return;
    if (word.kind == ToolFrames::Word::Kind::kCall) {
      called(std::move(word));
    } else if (word.seen == given_ && !fresh_.empty()) {
      becomes_asking();
    }
  }
}

void ToolTalk::called(ToolFrames::Word word) {
  const std::string_view data = word.data;
  std::size_t tool = 0;
  const auto [end, error] = std::from_chars(data.data(), data.data() + data.size(), tool);
  if (error != std::errc() || tool >= tools_.size()) {
    return fail("The program called a tool that it was not given.");
  }
  if (++calls_ > kMostCalls) {
    return fail("The program called tools more than " + std::to_string(kMostCalls) +
                " times; do more with each call.");
  }
  const std::string& name = tools_[tool].name;
  Json input;
  try {
    JsonRules rules;
    rules.max_bytes = kMostInput;
    rules.max_values = kMostInputValues;
    input = json_parse(data.substr(static_cast<std::size_t>(end - data.data())), rules);
  } catch (const Failure&) {
    input = Json();
  }
  if (!input.is_object()) {
    ++given_;
    const ToolResult refused{
        "", Json(), true,
        "the input of the tool " + name + " must be one JSON object of at most 1 MiB"};
    if (listener_.refused) listener_.refused(words_for(word.id, refused));
    return;
  }
  fresh_.push_back({std::move(word.id), {call_name(calls_), name, std::move(input)}});
  wait_for_more();
}

void ToolTalk::wait_for_more() {
  settle_.expires_after(language_ == ToolLanguage::kBash ? kShellSettles : kPythonSettles);
  settle_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self && !self->fresh_.empty()) self->becomes_asking();
  });
}

void ToolTalk::becomes_asking() {
  settle_.cancel();
  if (std::exchange(asks_, true)) return;
  if (listener_.news) listener_.news();
}

void ToolTalk::fail(std::string why) {
  fault_ = std::move(why);
  if (listener_.news) listener_.news();
}

std::vector<ToolCall> ToolTalk::ask() {
  std::vector<ToolCall> calls;
  for (Call& each : fresh_) {
    asked_.push_back(each.call.id);
    own_id_[each.call.id] = std::move(each.own_id);
    calls.push_back(std::move(each.call));
  }
  fresh_.clear();
  asks_ = false;
  return calls;
}

std::string ToolTalk::answer(const std::vector<ToolResult>& results) const {
  std::string words;
  Bytes bytes = given_bytes_;
  std::vector<std::string> answered;
  for (const ToolResult& result : results) {
    const auto own = own_id_.find(result.id);
    if (own == own_id_.end() ||
        std::find(answered.begin(), answered.end(), result.id) != answered.end()) {
      throw Failure(Code::kUnprocessable,
                    "tool_results has \"" + result.id + "\", which is " +
                        (own == own_id_.end() ? "no call that waits" : "there twice") +
                        "; wanted is one entry for each of " + listed(asked_));
    }
    answered.push_back(result.id);
    const std::size_t before = words.size();
    words += words_for(own->second, result);
    const Bytes size = words.size() - before;
    bytes += size;
    if (size > kMostResult || bytes > kMostResults) {
      throw Failure(Code::kTooLarge, "the result of " + result.id + " is too large: one may have " +
                                         format_size(kMostResult) + ", and all of a program " +
                                         format_size(kMostResults));
    }
  }
  if (answered.size() < asked_.size()) {
    throw Failure(Code::kUnprocessable, "tool_results must have one entry for each of " +
                                            listed(asked_) + ", it has " +
                                            std::to_string(answered.size()));
  }
  return words;
}

void ToolTalk::gave(const std::string& answer) {
  given_ += asked_.size();
  given_bytes_ += answer.size();
  asked_.clear();
  own_id_.clear();
}

/// Python reads lines of JSON; the shell a line that tells how many bytes follow.
std::string ToolTalk::words_for(const std::string& own_id, const ToolResult& result) const {
  if (language_ == ToolLanguage::kPython) {
    Json line = Json::object({{"id", own_id}});
    if (result.failed) {
      line.set("error", result.message);
    } else {
      line.set("result", result.result);
    }
    return json_dump(line) + "\n";
  }
  const std::string text = result.failed ? result.message : json_dump(result.result);
  return own_id + (result.failed ? " 1 " : " 0 ") + std::to_string(text.size()) + "\n" + text;
}

}  // namespace podium
