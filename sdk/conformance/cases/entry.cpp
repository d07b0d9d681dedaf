/// The one symbol and what it leads to.

#include <cstring>

#include "../json_document.hpp"
#include "../plugin.hpp"

namespace podium::conform {
namespace {

constexpr std::uint32_t kPluginSize10 = 48, kFactorySize10 = 24;  // of ABI 1.0

void is_exported(Context& context) { Library(context.settings.library).plugin(); }

void has_a_known_version(Context& context) {
  const Library library(context.settings.library);
  const podium_plugin& plugin = library.plugin();
  const std::string own = std::to_string(PODIUM_ABI_MAJOR) + "." + std::to_string(PODIUM_ABI_MINOR);
  if (plugin.abi_major == PODIUM_ABI_MAJOR && plugin.abi_minor <= PODIUM_ABI_MINOR) return;
  throw Broken(
      "it was built for ABI " + std::to_string(plugin.abi_major) + "." +
          std::to_string(plugin.abi_minor),
      "major " + std::to_string(PODIUM_ABI_MAJOR) + ", at most " + own + ", which this SDK has");
}

void is_complete(Context& context) {
  const Library library(context.settings.library);
  const podium_plugin& plugin = library.plugin();
  if (plugin.size < kPluginSize10) {
    throw Broken("podium_plugin says that it has " + std::to_string(plugin.size) + " bytes",
                 "sizeof(podium_plugin), at least " + std::to_string(kPluginSize10));
  }
  if (plugin.get_factory == nullptr) throw Broken("get_factory is NULL", "a function");
}

void check_text(const char* what, const char* text, std::size_t longest) {
  if (text == nullptr) throw Broken(std::string(what) + " is NULL", "a text");
  const std::string_view view(text, ::strnlen(text, longest + 1));
  bool good = !view.empty() && view.size() <= longest && is_utf8(view);
  for (const char c : view) good = good && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
  if (!good) {
    throw Broken(std::string(what) + " is " + shown(view),
                 "1 to " + std::to_string(longest) + " bytes of printable UTF-8");
  }
}

void has_good_texts(Context& context) {
  const Library library(context.settings.library);
  const podium_plugin& plugin = library.plugin();
  check_text("id", plugin.id, 200);
  check_text("version", plugin.version, 64);
  check_text("description", plugin.description, 500);
}

void knows_no_unknown_ids(Context& context) {
  const Library library(context.settings.library);
  for (const std::string& id :
       {std::string(), std::string("podium.runtime/2"), std::string("podium.storage"),
        std::string("podium.response/1 "), std::string("PODIUM.RUNTIME/1"),
        std::string("org.example.unheard-of/1"), std::string(10'000, 'x'),
        std::string("\xff\xfe")}) {
    const void* factory = nullptr;
    enter("get_factory", [&] { factory = library.plugin().get_factory(id.c_str()); });
    if (factory != nullptr) {
      throw Broken("get_factory(" + shown(id) + ") gave a factory",
                   "NULL for an id that it does not know");
    }
  }
}

void offers_one_kind(Context& context) { Library(context.settings.library).kind(); }

void has_a_complete_factory(Context& context) {
  const Library library(context.settings.library);
  const auto* head = static_cast<const FactoryHead*>(library.factory(library.kind()));
  if (head->size < kFactorySize10) {
    throw Broken("its factory says that it has " + std::to_string(head->size) + " bytes",
                 "its own sizeof, at least " + std::to_string(kFactorySize10));
  }
  if (head->create == nullptr) throw Broken("create of its factory is NULL", "a function");
  if (library.factory(library.kind()) != head) {
    throw Broken("get_factory gives another factory each time", "the same one, constant");
  }
}

}  // namespace

std::vector<Case> entry_cases() {
  return {
      {"entry/exported", "the symbol " PODIUM_PLUGIN_SYMBOL " is a constant podium_plugin",
       Kind::kAny, true, is_exported},
      {"entry/version", "the major version is the host's, the minor at most the host's", Kind::kAny,
       true, has_a_known_version},
      {"entry/complete", "podium_plugin says its size and has a get_factory", Kind::kAny, true,
       is_complete},
      {"entry/texts", "id, version and description are texts for people", Kind::kAny, false,
       has_good_texts},
      {"entry/unknown_ids", "get_factory of an unknown id is NULL", Kind::kAny, false,
       knows_no_unknown_ids},
      {"entry/one_kind", "a plugin offers exactly one kind", Kind::kAny, true, offers_one_kind},
      {"entry/factory", "a factory says its size, has a create, and is constant", Kind::kAny, true,
       has_a_complete_factory},
  };
}

}  // namespace podium::conform
