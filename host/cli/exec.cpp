#include "cli/exec.hpp"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <mutex>
#include <set>

#include "base/failure.hpp"
#include "base/file_name.hpp"
#include "cli/live_output.hpp"
#include "cli/members.hpp"
#include "cli/progress.hpp"

namespace podium::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kInterrupted = 128 + SIGINT;

std::string read_all(std::istream& in) {
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string read_program(const std::string& source, std::istream& in) {
  if (source == "-") return read_all(in);
  std::ifstream file(source, std::ios::binary);
  if (!file || !fs::is_regular_file(source)) {
    throw Failure(Code::kInvalidArgument, "cannot read the program " + source);
  }
  return read_all(file);
}

/// Files of one name would replace each other in the workspace without a word.
void refuse_equal_names(const std::vector<fs::path>& files) {
  std::set<std::string> names;
  for (const fs::path& file : files) {
    if (!names.insert(file.filename().string()).second) {
      throw Failure(Code::kInvalidArgument, "two files are named " + file.filename().string() +
                                                "; in the workspace there can be one");
    }
  }
}

Json make_request(const ExecOptions& options, std::string code, std::istream& in) {
  Json request = Json::object({{"lang", options.language}, {"code", std::move(code)}});
  if (!options.arguments.empty()) {
    Json arguments = Json::array();
    for (const std::string& argument : options.arguments) arguments.push(argument);
    request.set("args", std::move(arguments));
  }
  if (options.pass_stdin) request.set("stdin", read_all(in));
  if (options.timeout) request.set("timeout", options.timeout->count());
  return request;
}

Json upload(const ExecOptions& options, const Client& client, Progress& progress) {
  progress.stage("uploading");
  const UploadReply reply =
      client.upload(options.files, [&progress](std::uint64_t sent, std::uint64_t all) {
        progress.stage("uploading " + std::to_string(all == 0 ? 100 : sent * 100 / all) + " %");
      });
  Json references = Json::array();
  for (const Uploaded& file : reply.files) {
    references.push(
        Json::object({{"id", file.id}, {"name", file.name}, {"session_id", reply.session}}));
  }
  return references;
}

double number_member(const Json& object, const char* key) {
  const Json* value = object.find(key);
  return value != nullptr && value->is_number() ? value->number() : 0;
}

/// The strings of a list, with commas between them.
std::string list_member(const Json& object, const char* key) {
  std::string text;
  const Json* value = object.find(key);
  if (value == nullptr || !value->is_array()) return text;
  for (const Json& item : value->items()) {
    if (item.is_string()) text += (text.empty() ? "" : ", ") + item.string();
  }
  return text;
}

/// Calls `each` with every file that the program made or changed.
template <class Each>
void each_result_file(Json& result, const Each& each) {
  if (result.find("files") == nullptr) return;
  for (auto& [key, value] : result.members()) {
    if (key != "files" || !value.is_array()) continue;
    for (Json& file : value.items()) each(file);
  }
}

/// Downloads result files below `out`; each gets the member "saved", its path.
void save_files(Json& result, const fs::path& out, const Client& client, Progress& progress) {
  const std::string session = text_member(result, "session_id");
  each_result_file(result, [&](Json& file) {
    // The daemon is not asked to be trusted with paths of this machine.
    const std::string name = canonical_file_name(text_member(file, "name"));
    progress.stage("downloading " + name);
    const fs::path target = out / name;
    fs::create_directories(target.parent_path());
    client.download(session, text_member(file, "id"), target);
    file.set("saved", target.string());
  });
}

void print_text(Json& result, const ExecOptions& options, Console& console) {
  if (options.quiet) return;
  each_result_file(result, [&](const Json& file) {
    const std::string saved = text_member(file, "saved");
    console.err << "podium: "
                << (saved.empty()
                        ? "made " + text_member(file, "name") + " (keep it with --out DIR)"
                        : "saved " + saved)
                << "\n";
  });
  console.err << "podium: " << text_member(result, "status") << " in "
              << readable_time(number_member(result, "wall_time")) << " (processor "
              << readable_time(number_member(result, "cpu_time")) << ", memory "
              << readable_size(number_member(result, "memory_peak")) << ")\n";
  const std::string unenforced = list_member(result, "unenforced_limits");
  if (!unenforced.empty()) {
    console.err << "podium: this server does not enforce these limits: " << unenforced << "\n";
  }
}

/// The run that Ctrl-C cancels, told by one thread and asked for by another.
class Cancellable {
 public:
  explicit Cancellable(const Client& client) : client_(client) {}

  void set(const std::string& id) {
    const std::lock_guard lock(mutex_);
    id_ = id;
  }
  /// Its end still comes. Before there is a run, and when the daemon is not to be reached, leaving
  /// is what ends it.
  void cancel() noexcept {
    const std::lock_guard lock(mutex_);
    try {
      if (id_.empty()) std::_Exit(kInterrupted);
      client_.send("DELETE", "/runs/" + id_, nullptr);
    } catch (const std::exception&) {
      std::_Exit(kInterrupted);
    }
  }

 private:
  const Client& client_;
  std::mutex mutex_;
  std::string id_;
};

/// The run from its begin to its end.
Reply run_live(const Json& request, const Client& client, LiveOutput& live, Cancellable& run) {
  Reply reply = client.exec_stream(request, [&](const std::string& name, const std::string& data) {
    live.take(name, data);
    run.set(live.run_id());
  });
  if (reply.status != 200) throw client.refusal(reply);
  if (!reply.body.empty()) {
    throw Failure(Code::kInternal, "the answer is no stream of events; is this podiumd?");
  }
  return reply;
}

}  // namespace

std::string readable_time(double milliseconds) {
  std::array<char, 64> text;
  if (milliseconds < 1000) {
    std::snprintf(text.data(), text.size(), "%.0f ms", milliseconds);
  } else {
    std::snprintf(text.data(), text.size(), "%.2f s", milliseconds / 1000);
  }
  return text.data();
}

std::string readable_size(double bytes) {
  constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < kUnits.size(); ++unit) bytes /= 1024;
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", bytes, kUnits[unit]);
  return text.data();
}

int exit_code_of(const Json& result) {
  if (text_member(result, "status") == "timed_out") return kTimedOut;
  if (const Json* code = result.find("code"); code != nullptr && code->is_integer()) {
    return static_cast<int>(code->integer() & 0xff);
  }
  const std::string signal = text_member(result, "signal");
  if (signal.starts_with("SIG")) {
    for (int number = 1; number < 32; ++number) {
      const char* name = ::sigabbrev_np(number);
      if (name != nullptr && signal.substr(3) == name) return 128 + number;
    }
  }
  return kOwnFailure;
}

int run_exec(const ExecOptions& options, const Client& client, Console& console) {
  refuse_equal_names(options.files);
  Cancellable run(client);
  const Interrupts interrupts([&run] { run.cancel(); });  // before there are other threads
  Json request = make_request(options, read_program(options.source, console.in), console.in);
  Progress progress(2);
  if (!options.files.empty()) request.set("files", upload(options, client, progress));
  progress.stage("running");
  LiveOutput live(console, progress);
  const Reply reply = run_live(request, client, live, run);
  Json& result = live.result();
  if (!result.is_object() || result.find("stdout") == nullptr) {
    throw Failure(Code::kUnavailable,
                  "the daemon's answer broke off before the end of the run" +
                      (live.run_id().empty() ? std::string() : " " + live.run_id()));
  }
  if (!options.out.empty()) save_files(result, options.out, client, progress);
  progress.end();
  if (console.json) {
    result.set("request_id", reply.request_id);
    console.out << json_dump_pretty(result) << "\n";
  } else {
    live.show_rest();
    print_text(result, options, console);
  }
  if (const std::string error = text_member(result, "error"); !error.empty()) {
    throw Failure(Code::kUnavailable, "podiumd could not finish the run: " + error);
  }
  return interrupts.came() ? kInterrupted : exit_code_of(result);
}

}  // namespace podium::cli
