#include "policy/command_words.hpp"

#include <optional>

#include "policy/java_classes.hpp"

namespace podium {
namespace {

class Expander {
 public:
  Expander(std::string_view code, const Limits& limits) : code_(code), limits_(limits) {}

  std::string expand(std::string text) {
    replace(text, "{memory}", [&] { return std::to_string(limits_.memory); });
    replace(text, "{public_class}", [&] { return classes().public_class; });
    replace(text, "{main_class}", [&] { return classes().main_class; });
    return text;
  }

  std::vector<std::string> expand(std::vector<std::string> words) {
    for (std::string& word : words) word = expand(std::move(word));
    return words;
  }

 private:
  const JavaClasses& classes() {
    if (!classes_) classes_ = java_classes(code_);
    return *classes_;
  }

  template <class Value>
  static void replace(std::string& text, std::string_view mark, Value value) {
    for (std::size_t at = 0; (at = text.find(mark, at)) != text.npos;) {
      const std::string by = value();
      text.replace(at, mark.size(), by);
      at += by.size();
    }
  }

  std::string_view code_;
  const Limits& limits_;
  std::optional<JavaClasses> classes_;
};

}  // namespace

ProgramWords program_words(const LanguageConfig& language, std::string_view code,
                           const Limits& limits) {
  Expander expander(code, limits);
  return {expander.expand(language.source), expander.expand(language.compile),
          expander.expand(language.command)};
}

}  // namespace podium
