#include "plugin/library.hpp"

#include <boost/dll/shared_library.hpp>

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/stat.h>

#include <string_view>
#include <utility>
#include <vector>

#include "base/failure.hpp"
#include "base/utf8.hpp"
#include "plugin/abi_call.hpp"
#include "plugin/abi_sizes.hpp"
#include "plugin/elf.hpp"
#include "plugin/library_checks.hpp"

namespace podium {
namespace {

/// What the dynamic loader said, without the words of Boost.DLL around it.
std::string loader_reason(std::string_view what) {
  constexpr std::string_view kMark = "dlerror system message: ";
  std::size_t begin = what.find(kMark);
  if (begin == std::string_view::npos) return to_utf8(what);
  what.remove_prefix(begin + kMark.size());
  return to_utf8(what.substr(0, what.rfind(')')));
}

boost::dll::shared_library open_library(const std::filesystem::path& path, int more_flags) {
  // RTLD_NOW: a missing symbol shows here and not in the middle of a run. The throwing overload
  // alone tells the reason.
  namespace load_mode = boost::dll::load_mode;
  auto flags =
      static_cast<load_mode::type>(load_mode::rtld_now | load_mode::rtld_local | more_flags);
  try {
    return boost::dll::shared_library(path, flags);
  } catch (const std::exception& e) {
    throw Failure(Code::kInvalidArgument,
                  "the dynamic loader refused it: " + loader_reason(e.what()) +
                      "; link everything it needs and install that too");
  } catch (...) {
    throw Failure(Code::kInvalidArgument, "a constructor of it let an exception out");
  }
}

const podium_plugin& find_plugin(const boost::dll::shared_library& library) {
  if (!library.has(PODIUM_PLUGIN_SYMBOL)) {
    throw Failure(Code::kInvalidArgument,
                  "it exports no " PODIUM_PLUGIN_SYMBOL
                  ": it is no Podium plugin, was built for "
                  "another major version of the ABI, or hides the symbol; export it with "
                  "PODIUM_RUNTIME_PLUGIN, PODIUM_STORAGE_PLUGIN or PODIUM_RESPONSE_PLUGIN");
  }
  const podium_plugin& plugin = library.get<const podium_plugin>(PODIUM_PLUGIN_SYMBOL);
  Dl_info info{};
  void* entry = nullptr;
  int found = ::dladdr1(&plugin, &info, &entry, RTLD_DL_SYMENT);
  const auto* symbol = static_cast<const ElfW(Sym)*>(entry);
  if (found == 0 || symbol == nullptr || ELF64_ST_TYPE(symbol->st_info) != STT_OBJECT) {
    throw Failure(Code::kInvalidArgument, "its symbol " PODIUM_PLUGIN_SYMBOL
                                          " is no data, expected a constant podium_plugin");
  }
  check_plugin(plugin, symbol->st_size);
  return plugin;
}

struct Offer {
  PluginKind kind;
  const void* factory;
};

/// The one kind that the plugin offers.
Offer find_factory(const podium_plugin& plugin) {
  constexpr std::pair<const char*, PluginKind> kKinds[] = {
      {PODIUM_FACTORY_RUNTIME, PluginKind::kRuntime},
      {PODIUM_FACTORY_STORAGE, PluginKind::kStorage},
      {PODIUM_FACTORY_RESPONSE, PluginKind::kResponse}};
  std::vector<Offer> offers;
  for (const auto& kind : kKinds) {
    const void* factory = nullptr;
    call_plugin(plugin.id, "get_factory", [&] { factory = plugin.get_factory(kind.first); });
    if (factory != nullptr) offers.push_back({kind.second, factory});
  }
  if (offers.empty()) {
    throw Failure(Code::kInvalidArgument,
                  "it offers no factory that this podiumd knows, expected " PODIUM_FACTORY_RUNTIME
                  ", " PODIUM_FACTORY_STORAGE " or " PODIUM_FACTORY_RESPONSE);
  }
  if (offers.size() > 1) {
    throw Failure(Code::kInvalidArgument, std::string("it offers a ") + to_string(offers[0].kind) +
                                              " and a " + to_string(offers[1].kind) +
                                              ", expected one kind in a library; split it");
  }
  return offers[0];
}

/// What all factories begin with.
struct FactoryHead {
  std::uint32_t size;
  std::uint32_t reserved;
  const podium_option_table* options;
  void (*create)();
};
static_assert(sizeof(FactoryHead) == kFactorySize10 &&
              offsetof(FactoryHead, create) == offsetof(podium_runtime_factory, create) &&
              offsetof(FactoryHead, create) == offsetof(podium_storage_factory, create) &&
              offsetof(FactoryHead, create) == offsetof(podium_response_factory, create));

const podium_option_table* check_factory(const Offer& offer) {
  const auto& head = *static_cast<const FactoryHead*>(offer.factory);
  std::string kind = to_string(offer.kind);
  if (head.size < kFactorySize10) {
    throw Failure(Code::kInvalidArgument,
                  "its " + kind + " factory says that it has " + std::to_string(head.size) +
                      " bytes, expected at least " + std::to_string(kFactorySize10));
  }
  if (head.create == nullptr) {
    throw Failure(Code::kInvalidArgument,
                  "the create of its " + kind + " factory is NULL, expected a function");
  }
  static constexpr podium_option_table kNoOptions{sizeof(podium_option_table), 0, nullptr};
  if (head.options == nullptr) return &kNoOptions;
  check_option_table(*head.options);
  return head.options;
}

/// Changes when the file's content does.
std::string stamp_of(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return "gone";
  return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) + ":" +
         std::to_string(status.st_size) + ":" + std::to_string(status.st_mtim.tv_sec) + "." +
         std::to_string(status.st_mtim.tv_nsec);
}

}  // namespace

const char* to_string(PluginKind kind) noexcept {
  switch (kind) {
    case PluginKind::kRuntime:
      return "runtime";
    case PluginKind::kStorage:
      return "storage";
    case PluginKind::kResponse:
      return "response";
  }
  return "plugin";
}

std::shared_ptr<const PluginLibrary> PluginLibrary::load(const std::filesystem::path& file) {
  std::filesystem::path path = check_file(file);
  check_elf(path);
  boost::dll::shared_library opened = open_library(path, 0);
  const podium_plugin& plugin = find_plugin(opened);
  Offer offer = find_factory(plugin);
  const podium_option_table* options = check_factory(offer);

  std::shared_ptr<PluginLibrary> library(new PluginLibrary);
  // Only now does the code become permanent: a library that was refused is unmapped, so that the
  // repaired file can be loaded without a restart.
  library->handle_ =
      std::make_shared<boost::dll::shared_library>(open_library(path, RTLD_NODELETE));
  library->path_ = path;
  library->kind_ = offer.kind;
  library->id_ = std::string(plugin.id) + " " + plugin.version;
  library->description_ = plugin.description;
  library->options_ = options;
  library->factory_ = offer.factory;
  return library;
}

std::shared_ptr<const PluginLibrary> LibraryRegistry::get(const std::filesystem::path& file) {
  std::lock_guard lock(mutex_);
  std::filesystem::path path = check_file(file);
  std::string stamp = stamp_of(path);
  auto found = entries_.find(path);
  if (found == entries_.end()) {
    found = entries_.emplace(path, Entry{PluginLibrary::load(path), stamp}).first;
  } else if (found->second.stamp != stamp) {
    found->second.stamp = stamp;
    log_.warning("plugin library has changed on disk; needs restart",
                 {{"library", path.string()}, {"plugin", found->second.library->id()}});
  }
  return found->second.library;
}

}  // namespace podium
