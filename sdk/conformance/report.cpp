#include "report.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <stdexcept>

namespace podium::conform {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 && c != '\n' ? '?' : c;
    }
  }
  return out;
}

long count(const std::vector<Result>& results, State state) {
  return std::count_if(results.begin(), results.end(),
                       [&](const Result& result) { return result.verdict.state == state; });
}

}  // namespace

void print(const Result& result) {
  const Verdict& verdict = result.verdict;
  switch (verdict.state) {
    case State::kPassed:
      std::printf("ok       %s (%.2f s)%s%s\n", result.one->name, verdict.seconds,
                  verdict.note.empty() ? "" : ": ", verdict.note.c_str());
      break;
    case State::kSkipped:
      std::printf("skipped  %s: %s\n", result.one->name, verdict.what.c_str());
      break;
    case State::kFailed:
      std::printf(
          "FAILED   %s\n           wrong:    %s\n           expected: %s\n           rule:     "
          "%s\n",
          result.one->name, verdict.what.c_str(), verdict.expected.c_str(), result.one->rule);
      break;
  }
  std::fflush(stdout);
}

void write_junit(const std::filesystem::path& file, const std::string& plugin,
                 const std::vector<Result>& results) {
  std::ofstream out(file);
  out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"" << escaped(plugin)
      << "\" tests=\"" << results.size() << "\" failures=\"" << count(results, State::kFailed)
      << "\" skipped=\"" << count(results, State::kSkipped) << "\" disabled=\"0\" errors=\"0\">\n";
  for (const Result& result : results) {
    const Verdict& verdict = result.verdict;
    out << "  <testcase classname=\"" << escaped(plugin) << "\" name=\""
        << escaped(result.one->name) << "\" time=\"" << verdict.seconds << "\">";
    if (verdict.state == State::kFailed) {
      out << "<failure message=\"" << escaped(verdict.what) << "\">" << escaped(verdict.what)
          << "\nexpected: " << escaped(verdict.expected) << "\nrule: " << escaped(result.one->rule)
          << "</failure>";
    } else if (verdict.state == State::kSkipped) {
      out << "<skipped message=\"" << escaped(verdict.what) << "\"/>";
    }
    out << "</testcase>\n";
  }
  out << "</testsuite>\n";
  out.close();
  if (!out) throw std::runtime_error("cannot write " + file.string());
}

}  // namespace podium::conform
