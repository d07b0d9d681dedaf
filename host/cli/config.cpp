#include "cli/config.hpp"

#include "base/failure.hpp"

namespace podium::cli {
namespace {

std::string shown(const Json* value) {
  constexpr std::size_t kLongest = 120;  // a whole language is a table
  if (value == nullptr) return "(nothing)";
  std::string text = json_dump(*value);
  if (text.size() > kLongest) text = text.substr(0, kLongest - 3) + "...";
  return text;
}

/// The daemon reads the text itself: its version, its defaults and its environment count.
Json ask_difference(const std::string& file, const Client& client) {
  const std::string text = file.empty() ? std::string() : read_config_text(file);
  const Reply reply =
      client.send_text("POST", "/api/v1/admin/config/diff", "application/json", text);
  if (reply.status != 200) throw client.refusal(reply);
  return json_parse(reply.body);
}

int run_diff(const ConfigOptions& options, const Client& client, Console& console) {
  const Json answer = ask_difference(options.operand, client);
  const Json* changes = answer.find("changes");
  if (changes == nullptr || !changes->is_array()) {
    throw Failure(Code::kInternal, "podiumd gave an answer without changes");
  }
  if (console.json) {
    console.out << json_dump_pretty(answer) << '\n';
  } else if (changes->items().empty()) {
    console.out << "a reload would change nothing\n";
  } else {
    print_changes(*changes, console.out);
  }
  return changes->items().empty() ? 0 : 1;
}

}  // namespace

void print_changes(const Json& changes, std::ostream& out) {
  for (const Json& change : changes.items()) {
    const Json* key = change.find("key");
    const Json* restart = change.find("needs_restart");
    if (key == nullptr || !key->is_string()) continue;
    const bool late = restart != nullptr && restart->is_bool() && restart->boolean();
    out << (late ? "restart  " : "reload   ") << key->string() << ": " << shown(change.find("from"))
        << " → " << shown(change.find("to")) << '\n';
  }
}

int run_config(const CommandLine& line, const Client& client, Console& console) {
  switch (line.config_options.action) {
    case ConfigAction::kDiff: return run_diff(line.config_options, client, console);
  }
  return 1;
}

}  // namespace podium::cli
