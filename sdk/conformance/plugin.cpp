#include "plugin.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <pthread.h>

#include <atomic>
#include <csignal>
#include <cstring>

#include "json_document.hpp"
#include "spawner.hpp"

namespace podium::conform {
namespace {

std::atomic<Asking> asking{Asking::kPlainly};  // of this process, which runs one case

[[noreturn]] void escaped(const char* function, const std::string& what) {
  const std::string said = std::string(function) + " let an exception out: " + what;
  if (asking == Asking::kJudgeExceptions)
    throw Broken(said, "a podium_code; catch everything at the boundary");
  throw NotRun(said + "; see " + kNoExceptionCase);
}

void check_error(const char* function, const Answer& answer) {
  const auto code = static_cast<unsigned>(answer.code);
  if (code > PODIUM_INTERNAL) {
    throw Broken(std::string(function) + " failed with the unknown code " + std::to_string(code),
                 "a podium_code");
  }
  if (answer.message.empty() || !is_utf8(answer.message)) {
    throw Broken(std::string(function) + " failed with code " + std::to_string(code) +
                     " and the text " + shown(answer.message),
                 "a text in UTF-8 that says why, in *err");
  }
}

}  // namespace

const char* to_string(Kind kind) noexcept {
  switch (kind) {
    case Kind::kRuntime:
      return "runtime";
    case Kind::kStorage:
      return "storage";
    case Kind::kResponse:
      return "response";
    case Kind::kAny:
      break;
  }
  return "plugin";
}

std::string shown(std::string_view text) {
  constexpr std::size_t kLongest = 120;
  std::string out = "\"";
  for (const char c : text.substr(0, kLongest)) {
    const auto u = static_cast<unsigned char>(c);
    char hex[8];
    if (u < 0x20 || u >= 0x7f) {
      std::snprintf(hex, sizeof hex, "\\x%02x", u);
      out += hex;
    } else {
      out += c;
    }
  }
  out += '"';
  if (text.size() > kLongest) out += "… (" + std::to_string(text.size()) + " bytes)";
  return out;
}

void ask_from_now_on(Asking how) noexcept { asking = how; }

void must_be_the_mask(const char* doing, const sigset_t& before) {
  sigset_t after;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (int number = 1; number < NSIG; ++number) {
    if (::sigismember(&before, number) == ::sigismember(&after, number)) continue;
    throw Broken(std::string(doing) + " left signal " + std::to_string(number) +
                     (::sigismember(&after, number) != 0 ? " blocked" : " no longer blocked"),
                 "the signal mask of the host's thread as it was");
  }
}

void enter(const char* function, const std::function<void()>& call) {
  try {
    sigset_t before;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
    call();
    if (asking == Asking::kJudgeSignals) must_be_the_mask(function, before);
  } catch (const Broken&) {
    throw;  // of a callback of ours
  } catch (const NotRun&) {
    throw;
  } catch (const std::exception& e) {
    escaped(function, e.what());
  } catch (...) {
    escaped(function, "of unknown type");
  }
}

Answer ask(const char* function, const std::function<podium_code(podium_error*)>& call) {
  podium_error error{};
  error.size = sizeof error;
  Answer answer;
  podium_error* const passed = asking == Asking::kWithoutError ? nullptr : &error;
  enter(function, [&] { answer.code = call(passed); });
  answer.message.assign(error.message, ::strnlen(error.message, sizeof error.message));
  if (asking == Asking::kJudgeErrors && !answer.ok()) check_error(function, answer);
  return answer;
}

std::string told(const Answer& answer) {
  if (answer.ok()) return "PODIUM_OK";
  return "code " + std::to_string(answer.code) + " (" + shown(answer.message) + ")";
}

void must_succeed(const char* function, const Answer& answer) {
  if (!answer.ok()) throw Broken(std::string(function) + " answered " + told(answer), "PODIUM_OK");
}

Library::Library(const std::filesystem::path& file)
    : handle_(::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ == nullptr) {
    throw Broken(std::string("the dynamic loader refused it: ") + ::dlerror(),
                 "a library that finds all that it needs");
  }
}

const podium_plugin& Library::plugin() const {
  const auto* plugin = static_cast<const podium_plugin*>(::dlsym(handle_, PODIUM_PLUGIN_SYMBOL));
  if (plugin == nullptr) {
    throw Broken("it exports no " PODIUM_PLUGIN_SYMBOL,
                 "the constant that PODIUM_RUNTIME_PLUGIN, PODIUM_STORAGE_PLUGIN or "
                 "PODIUM_RESPONSE_PLUGIN defines");
  }
  Dl_info info{};
  void* entry = nullptr;
  const int found = ::dladdr1(plugin, &info, &entry, RTLD_DL_SYMENT);
  const auto* symbol = static_cast<const ElfW(Sym)*>(entry);
  if (found == 0 || symbol == nullptr || ELF64_ST_TYPE(symbol->st_info) != STT_OBJECT) {
    throw Broken(PODIUM_PLUGIN_SYMBOL " is no data", "a constant podium_plugin");
  }
  // Only what is there may be read; how much that must be, the major version says.
  constexpr std::size_t kSize10 = 48;
  if (symbol->st_size < offsetof(podium_plugin, reserved) ||
      (plugin->abi_major == PODIUM_ABI_MAJOR && symbol->st_size < kSize10)) {
    throw Broken(PODIUM_PLUGIN_SYMBOL " has " + std::to_string(symbol->st_size) + " bytes",
                 "a podium_plugin");
  }
  return *plugin;
}

const char* factory_id(Kind kind) noexcept {
  switch (kind) {
    case Kind::kRuntime:
      return PODIUM_FACTORY_RUNTIME;
    case Kind::kStorage:
      return PODIUM_FACTORY_STORAGE;
    case Kind::kResponse:
      return PODIUM_FACTORY_RESPONSE;
    case Kind::kAny:
      break;
  }
  return "";
}

const void* Library::factory(Kind kind) const {
  const void* factory = nullptr;
  enter("get_factory", [&] { factory = plugin().get_factory(factory_id(kind)); });
  return factory;
}

Kind Library::kind() const {
  std::vector<Kind> offered;
  for (const Kind kind : {Kind::kRuntime, Kind::kStorage, Kind::kResponse}) {
    if (factory(kind) != nullptr) offered.push_back(kind);
  }
  if (offered.empty()) throw Broken("get_factory offers no kind", "a factory of one kind");
  if (offered.size() > 1) {
    throw Broken(std::string("get_factory offers a ") + to_string(offered[0]) + " and a " +
                     to_string(offered[1]),
                 "one kind in a library");
  }
  return offered[0];
}

std::vector<podium_option> Library::options(Kind kind) const {
  const auto* head = static_cast<const FactoryHead*>(factory(kind));
  std::vector<podium_option> out;
  if (head->options == nullptr || head->options->options == nullptr) return out;
  for (std::uint32_t i = 0; i < head->options->count; ++i) {
    out.push_back(sdk::detail::element(head->options->options, i));
  }
  return out;
}

template <class Factory, class Interface>
void Made<Factory, Interface>::offer_sandbox(Context& context, sdk::testing::FakeHost& host) {
  if (context.spawner < 0) return;
  host.offer_sandbox([control = context.spawner] { return connect_spawner(control); });
}
template class Made<podium_runtime_factory, podium_runtime>;
template class Made<podium_storage_factory, podium_storage>;
template class Made<podium_response_factory, podium_response>;

std::map<std::string, std::string> options_of(const Context& context) {
  std::map<std::string, std::string> out = context.settings.options;
  for (auto& [name, value] : out) {
    if (const auto at = value.find("{tmp}"); at != std::string::npos) {
      value.replace(at, 5, context.scratch.string());
    }
  }
  return out;
}

namespace {

template <class Kind>
std::unique_ptr<Kind> make(Context& context, const Library& library) {
  auto made = std::make_unique<Kind>(context, library, options_of(context));
  must_succeed("create", made->answer());
  return made;
}

}  // namespace

std::unique_ptr<MadeRuntime> make_runtime(Context& context, const Library& library) {
  return make<MadeRuntime>(context, library);
}
std::unique_ptr<MadeStorage> make_storage(Context& context, const Library& library) {
  return make<MadeStorage>(context, library);
}
std::unique_ptr<MadeResponse> make_response(Context& context, const Library& library) {
  return make<MadeResponse>(context, library);
}

const std::vector<Case>& all_cases() {
  static const std::vector<Case> kAll = [] {
    std::vector<Case> all;
    for (auto* part : {file_cases, entry_cases, option_cases, birth_cases, value_cases, life_cases,
                       call_cases, process_cases, extension_cases, runtime_cases, run_input_cases,
                       output_flow_cases, storage_cases, put_parts_cases, response_cases}) {
      const std::vector<Case> cases = part();
      all.insert(all.end(), cases.begin(), cases.end());
    }
    return all;
  }();
  return kAll;
}

}  // namespace podium::conform
