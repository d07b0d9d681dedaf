#include "cli/runs.hpp"

#include <iomanip>

#include "cli/members.hpp"

namespace podium::cli {
namespace {

double age_of(const Json& run) {
  const Json* age = run.find("age_ms");
  return age != nullptr && age->is_number() ? age->number() : 0;
}

void print_runs(std::ostream& out, const Json::Array& runs) {
  if (runs.empty()) {
    out << "nothing runs\n";
    return;
  }
  out << std::left << std::setw(23) << "run" << std::setw(6) << "lang" << std::setw(12) << "stage"
      << std::setw(10) << "position" << std::setw(12) << "age"
      << "principal\n";
  for (const Json& run : runs) {
    out << std::setw(23) << shown_member(run, "run_id") << std::setw(6) << shown_member(run, "lang")
        << std::setw(12) << shown_member(run, "stage") << std::setw(10)
        << shown_member(run, "position") << std::setw(12) << readable_time(age_of(run))
        << shown_member(run, "principal") << '\n';
  }
}

}  // namespace

int run_runs(const Client& client, Console& console) {
  const Reply reply = client.get("/runs");
  if (reply.status != 200) throw client.refusal(reply);
  const Json answer = json_parse(reply.body);
  const Json* runs = answer.find("runs");
  if (runs == nullptr || !runs->is_array()) throw client.refusal(reply);
  if (console.json) {
    console.out << json_dump_pretty(answer) << '\n';
  } else {
    print_runs(console.out, runs->items());
  }
  return 0;
}

int run_cancel(const std::string& id, const Client& client, Console& console) {
  const Reply reply = client.send("DELETE", "/runs/" + id, nullptr);
  if (reply.status != 200) throw client.refusal(reply);
  const Json answer = json_parse(reply.body);
  if (console.json) {
    console.out << json_dump_pretty(answer) << '\n';
  } else {
    console.out << shown_member(answer, "message") << '\n';
  }
  return 0;
}

}  // namespace podium::cli
