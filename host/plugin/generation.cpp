#include "plugin/generation.hpp"

#include <utility>

#include "base/failure.hpp"

namespace podium {
namespace {

const char* kind_of(const Instance& instance) {
  if (dynamic_cast<const Runtime*>(&instance) != nullptr) return "a runtime";
  if (dynamic_cast<const Storage*>(&instance) != nullptr) return "a storage";
  if (dynamic_cast<const Response*>(&instance) != nullptr) return "a response";
  return "an instance of unknown kind";
}

/// The instance that `where` in the config names, as the kind it must be there.
template <class Kind>
Kind& named(const std::map<std::string, std::shared_ptr<Instance>>& by_name,
            const std::string& where, const std::string& name, const char* expected) {
  const auto found = by_name.find(name);
  if (found == by_name.end()) {
    throw Failure(Code::kInvalidArgument,
                  where + ": \"" + name + "\" is not the name of a plugin, expected " + expected);
  }
  auto* kind = dynamic_cast<Kind*>(found->second.get());
  if (kind == nullptr) {
    throw Failure(Code::kInvalidArgument,
                  where + ": \"" + name + "\" is " + kind_of(*found->second) + " (" +
                      found->second->plugin_id() + "), expected " + expected);
  }
  return *kind;
}

}  // namespace

std::shared_ptr<Generation> Generation::wire(Config config,
                                             std::vector<std::shared_ptr<Instance>> instances,
                                             std::uint64_t number) {
  std::shared_ptr<Generation> made(new Generation);
  made->number_ = number;
  made->config_ = std::move(config);
  made->instances_ = std::move(instances);
  for (const auto& instance : made->instances_) made->by_name_[instance->name()] = instance;

  for (const LanguageConfig& language : made->config_.languages) {
    auto& runtimes = made->by_language_[language.name];
    for (const std::string& name : language.runtimes) {
      const std::string where = "/languages/" + language.name + "/runtimes";
      runtimes.push_back(&named<Runtime>(made->by_name_, where, name, "a runtime"));
    }
  }
  for (const auto& [route, settings] : made->config_.routes) {
    if (settings.response.empty()) continue;
    made->by_route_[route] = &named<Response>(made->by_name_, "/routes/" + route + "/response",
                                              settings.response, "a response");
  }
  made->storage_ = &named<Storage>(made->by_name_, "/storage", made->config_.storage, "a storage");
  return made;
}

std::shared_ptr<const Generation> Generation::assemble(
    Config config, std::vector<std::shared_ptr<Instance>> instances, std::uint64_t number) {
  return wire(std::move(config), std::move(instances), number);
}

Generation::~Generation() {
  by_name_.clear();
  while (!instances_.empty()) instances_.pop_back();
}

const std::vector<Runtime*>& Generation::runtimes(const LanguageConfig& language) const {
  const auto found = by_language_.find(language.name);
  if (found == by_language_.end()) {
    throw Failure(Code::kInternal,
                  "the language \"" + language.name + "\" is not one of this configuration");
  }
  return found->second;
}

Response* Generation::response(const std::string& route) const noexcept {
  const auto found = by_route_.find(route);
  return found == by_route_.end() ? nullptr : found->second;
}

}  // namespace podium
