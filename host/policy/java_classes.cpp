#include "policy/java_classes.hpp"

#include <algorithm>
#include <vector>

namespace podium {
namespace {

constexpr std::size_t kLongestName = 200;  // it becomes the name of a file

bool starts_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool in_word(char c) { return starts_word(c) || (c >= '0' && c <= '9'); }

/// Words and single punctuation characters; everything else is skipped. Empty at the end.
class Tokens {
 public:
  explicit Tokens(std::string_view code) : rest_(code) {}

  std::string_view next() {
    while (!rest_.empty()) {
      if (skip_comment() || skip_literal()) continue;
      const char c = rest_.front();
      if (starts_word(c)) return take_while(in_word);
      if (c >= '0' && c <= '9') {
        take_while(in_word);
      } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f') {
        rest_.remove_prefix(1);
      } else {
        return take(1);
      }
    }
    return {};
  }

 private:
  std::string_view take(std::size_t count) {
    const std::string_view token = rest_.substr(0, count);
    rest_.remove_prefix(token.size());
    return token;
  }

  std::string_view take_while(bool (*belongs)(char)) {
    std::size_t end = 1;
    while (end < rest_.size() && belongs(rest_[end])) ++end;
    return take(end);
  }

  void skip_behind(std::string_view mark, std::size_t from) {
    const std::size_t at = rest_.find(mark, from);
    rest_.remove_prefix(at == rest_.npos ? rest_.size() : at + mark.size());
  }

  bool skip_comment() {
    if (rest_.starts_with("//")) {
      skip_behind("\n", 2);
    } else if (rest_.starts_with("/*")) {
      skip_behind("*/", 2);
    } else {
      return false;
    }
    return true;
  }

  bool skip_literal() {
    const char quote = rest_.front();
    if (quote != '"' && quote != '\'') return false;
    const std::string_view end =
        rest_.starts_with("\"\"\"") ? rest_.substr(0, 3) : rest_.substr(0, 1);
    std::size_t at = end.size();
    while (at < rest_.size() && rest_.substr(at, end.size()) != end) {
      if (end.size() == 1 && rest_[at] == '\n') break;  // not closed: the compiler will say so
      at += rest_[at] == '\\' ? 2 : 1;
    }
    rest_.remove_prefix(std::min(rest_.size(), at + end.size()));
    return true;
  }

  std::string_view rest_;
};

struct Type {
  std::string_view name;
  bool is_public = false;
  bool has_main = false;
};

class Unit {
 public:
  explicit Unit(std::string_view code) : tokens_(code) {
    for (std::string_view token; !(token = tokens_.next()).empty(); before_ = token) take(token);
  }

  JavaClasses names() const {
    JavaClasses names;
    const Type* first = types_.empty() ? nullptr : &types_.front();
    const Type* open = find([](const Type& type) { return type.is_public; });
    const Type* main = open != nullptr && open->has_main
                           ? open
                           : find([](const Type& type) { return type.has_main; });
    const Type* file = open != nullptr ? open : main != nullptr ? main : first;
    if (main == nullptr) main = file;
    if (file != nullptr) names.public_class = file->name;
    if (main != nullptr) names.main_class = main->name;
    if (!package_.empty()) names.main_class = package_ + "." + names.main_class;
    return names;
  }

 private:
  template <class Test>
  const Type* find(Test test) const {
    for (const Type& type : types_) {
      if (test(type)) return &type;
    }
    return nullptr;
  }

  void take(std::string_view token) {
    if (token == "{") {
      ++braces_;
    } else if (token == "}") {
      if (braces_ > 0) --braces_;
      public_ = false;
    } else if (token == "(" || token == ")") {
      if (token == "(") ++round_;
      if (token == ")" && round_ > 0) --round_;
    } else if (braces_ == 0 && round_ == 0) {
      at_top(token);
    } else if (braces_ == 1 && token == "main" && before_ == "void" && !types_.empty()) {
      types_.back().has_main = true;
    }
  }

  void at_top(std::string_view token) {
    if (token == "package" && types_.empty() && package_.empty()) {
      for (std::string_view part; !(part = tokens_.next()).empty() && part != ";";) {
        if (package_.size() + part.size() <= kLongestName) package_ += part;
      }
    } else if (token == ";") {
      public_ = false;
    } else if (token == "public") {
      public_ = true;
    } else if ((token == "class" || token == "interface" || token == "enum" || token == "record") &&
               before_ != ".") {
      const std::string_view name = tokens_.next();
      if (name.empty() || !starts_word(name.front()) || name.size() > kLongestName) return;
      types_.push_back({name, public_, false});
      public_ = false;
    }
  }

  Tokens tokens_;
  std::string_view before_;
  std::string package_;
  std::vector<Type> types_;
  std::size_t braces_ = 0, round_ = 0;
  bool public_ = false;
};

}  // namespace

JavaClasses java_classes(std::string_view code) { return Unit(code).names(); }

}  // namespace podium
