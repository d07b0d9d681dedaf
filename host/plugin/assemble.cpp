#include "base/failure.hpp"
#include "plugin/generation.hpp"

namespace podium {
namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& name, const char* expected) {
  throw Failure(Code::kInvalidArgument,
                where + ": \"" + name + "\" is not the name of a " + expected + " instance");
}

template <class Kind>
Kind& named(const std::map<std::string, std::shared_ptr<Instance>>& by_name,
            const std::string& where, const std::string& name, const char* expected) {
  const auto found = by_name.find(name);
  if (found == by_name.end()) refuse(where, name, expected);
  auto* kind = dynamic_cast<Kind*>(found->second.get());
  if (!kind) refuse(where, name, expected);
  return *kind;
}

}  // namespace

std::shared_ptr<const Generation> Generation::assemble(
    Config config, std::vector<std::shared_ptr<Instance>> instances, std::uint64_t number) {
  std::shared_ptr<Generation> made(new Generation);
  made->number_ = number;
  made->config_ = std::move(config);
  made->instances_ = std::move(instances);
  for (const auto& instance : made->instances_) made->by_name_[instance->name()] = instance;

  for (const LanguageConfig& language : made->config_.languages) {
    auto& runtimes = made->by_language_[language.name];
    for (const std::string& name : language.runtimes) {
      const std::string where = "/languages/" + language.name + "/runtimes";
      runtimes.push_back(&named<Runtime>(made->by_name_, where, name, "runtime"));
    }
  }
  for (const auto& [route, settings] : made->config_.routes) {
    if (settings.response.empty()) continue;
    made->by_route_[route] = &named<Response>(made->by_name_, "/routes/" + route + "/response",
                                              settings.response, "response");
  }
  made->storage_ =
      &named<Storage>(made->by_name_, "/storage", made->config_.storage, "storage");
  return made;
}

}  // namespace podium
