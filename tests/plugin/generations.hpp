#pragma once
#include <memory>
#include <string>

#include "plugins/workshop.hpp"

namespace podium::test {

/// Builds generations from the good test plugins.
class Generations {
 public:
  Generations() {
    workshop.add("tests/plugins/echo.so", "echo");
    workshop.add("tests/plugins/memory.so", "memory");
    workshop.add("tests/plugins/upper.so", "upper");
  }

  /// Two echoes, a storage, a response; py runs on both echoes, bash on the second.
  Config config(const std::string& tag = "a", const std::string& other_tag = "b") const {
    Config made;
    made.plugin_dir = workshop.dir.path();
    made.plugins = {{"first", "echo", Json::object({{"tag", tag}})},
                    {"second", "echo", Json::object({{"tag", other_tag}})},
                    {"files", "memory", Json::object()},
                    {"loud", (workshop.dir.path() / "upper.so").string(), Json::object()}};
    LanguageConfig py, bash;
    py.name = "py";
    py.runtimes = {"first", "second"};
    bash.name = "bash";
    bash.runtimes = {"second"};
    made.languages = {py, bash};
    made.storage = "files";
    made.routes = {{"/exec", {"loud"}}, {"/upload", {""}}};
    return made;
  }
  std::shared_ptr<const Generation> build(const Config& from,
                                          const Generation* previous = nullptr) {
    return builder.build(from, previous);
  }

  Workshop workshop;
  GenerationBuilder builder{workshop.services()};
};

inline Runtime& runtime(const Generation& generation, std::size_t language = 0,
                        std::size_t nth = 0) {
  return *generation.runtimes(generation.config().languages.at(language)).at(nth);
}

inline RunRequest request(const std::string& code) {
  RunRequest made;
  made.id = "r00000000000000000001";
  made.language = "py";
  made.code = code;
  return made;
}

}  // namespace podium::test
