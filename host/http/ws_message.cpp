#include "http/ws_message.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>

#include "base/json.hpp"
#include "http/answer.hpp"

namespace podium {
namespace {

constexpr const char* kTypes = "\"stdin\", \"eof\", \"signal\" or \"cancel\"";

std::string text_member(const Json& message, const char* key) {
  const Json* value = message.find(key);
  if (value == nullptr || !value->is_string()) {
    throw Failure(Code::kUnprocessable, std::string(key) + " must be a string");
  }
  return value->string();
}

}  // namespace

ClientMessage parse_client_message(std::string_view text) {
  // No message has more: whatever a client sends, reading it takes no longer than copying it.
  JsonRules rules;
  rules.max_depth = 4;
  rules.max_values = 16;
  const Json json = json_parse(text, rules);
  if (!json.is_object()) {
    throw Failure(Code::kUnprocessable,
                  std::string("a message must be an object, it is ") + json.kind());
  }
  const std::string type = text_member(json, "type");
  ClientMessage message;
  if (type == "stdin") {
    message.kind = ClientMessage::Kind::kInput;
    message.data = text_member(json, "data");
  } else if (type == "eof") {
    message.kind = ClientMessage::Kind::kEnd;
  } else if (type == "signal") {
    message.kind = ClientMessage::Kind::kSignal;
    const std::string name = text_member(json, "name");
    message.signal = signal_number(name);
    if (message.signal == 0) {
      throw Failure(Code::kUnprocessable, "name must be a signal such as INT, TERM, KILL, HUP, "
                                          "QUIT, USR1, USR2, STOP or CONT");
    }
  } else if (type == "cancel") {
    message.kind = ClientMessage::Kind::kCancel;
  } else if (type == "run") {
    throw Failure(Code::kConflict, "a WebSocket carries one run, and it has begun");
  } else {
    throw Failure(Code::kUnprocessable, std::string("type must be ") + kTypes);
  }
  return message;
}

int signal_number(std::string_view name) noexcept {
  if (name.starts_with("SIG")) name.remove_prefix(3);
  for (int number = 1; number < 32; ++number) {
    const char* known = ::sigabbrev_np(number);
    if (known != nullptr && name == known) return number;
  }
  return 0;
}

std::string event_message(const RunEvent& event) {
  std::string message = "{\"id\":" + std::to_string(event.id) + ",\"event\":\"";
  message.append(event.name).append("\",\"data\":").append(event.json).append("}");
  return message;
}

std::string refusal_message(const Failure& failure, std::string_view request_id) {
  return "{\"id\":0,\"event\":\"error\",\"data\":" + error_answer(failure, request_id).body + "}";
}

std::string error_json(const Failure& failure) {
  Json said = Json::object();
  said.set("error", failure.what());
  return json_dump(said);
}

milliseconds Pace::take(Clock::time_point now) {
  const std::chrono::duration<double> passed = now - last_;
  last_ = now;
  left_ = std::min(rate_, left_ + passed.count() * rate_) - 1;
  if (left_ >= 0) return milliseconds(0);
  return milliseconds(static_cast<std::int64_t>(-left_ / rate_ * 1000) + 1);
}

}  // namespace podium
