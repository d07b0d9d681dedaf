#include "imports.hpp"

#include <algorithm>
#include <utility>

namespace podium::python_pod {
namespace {

constexpr std::size_t kReadAtMost = 256 * 1024;

/// Letters beyond ASCII may be part of a name; which ones exactly does not matter here.
constexpr bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// Python's lexical structure as far as it takes to know where statements begin.
class Scanner {
 public:
  explicit Scanner(std::string_view code) : code_(code.substr(0, kReadAtMost)) {}

  std::set<std::string, std::less<>> scan() {
    while (at_ < code_.size()) {
      const char c = code_[at_];
      if (c == '#') {
        skip_comment();
      } else if (c == '\'' || c == '"') {
        skip_string(c);
        statement_ = false;
      } else if (c == '\\' && at_ + 1 < code_.size()) {
        at_ += 2;  // the line goes on
      } else if (c == '\n' || c == '\r' || c == ';' || c == ':') {
        // A colon begins a block on the same line, or is of a slice, which an import never follows.
        if (depth_ == 0) statement_ = true;
        ++at_;
      } else if (c == ' ' || c == '\t' || c == '\f') {
        ++at_;
      } else if (is_name(c)) {
        word();
      } else {
        if (c == '(' || c == '[' || c == '{') ++depth_;
        if ((c == ')' || c == ']' || c == '}') && depth_ > 0) --depth_;
        statement_ = false;
        ++at_;
      }
    }
    return std::move(found_);
  }

 private:
  void skip_comment() { at_ = std::min(code_.size(), code_.find_first_of("\r\n", at_)); }

  void skip_string(char quote) {
    const std::string_view three(&code_[at_], std::min<std::size_t>(3, code_.size() - at_));
    const bool triple = three == std::string(3, quote);
    at_ += triple ? 3 : 1;
    while (at_ < code_.size()) {
      const char c = code_[at_];
      if (c == '\\') {
        at_ += 2;
      } else if (triple && code_.substr(at_, 3) == std::string(3, quote)) {
        at_ += 3;
        return;
      } else if (!triple && (c == quote || c == '\n')) {
        ++at_;
        return;
      } else {
        ++at_;
      }
    }
  }

  std::string_view name() {
    const std::size_t from = at_;
    while (at_ < code_.size() && is_name(code_[at_])) ++at_;
    return code_.substr(from, at_ - from);
  }

  void skip_blanks() {
    while (at_ < code_.size() &&
           (code_[at_] == ' ' || code_[at_] == '\t' ||
            (code_[at_] == '\\' && at_ + 1 < code_.size() && code_[at_ + 1] == '\n'))) {
      at_ += code_[at_] == '\\' ? 2 : 1;
    }
  }

  bool take(char c) {
    skip_blanks();
    if (at_ >= code_.size() || code_[at_] != c) return false;
    ++at_;
    return true;
  }

  /// "a.b.c"; its first part, empty when there is none.
  std::string_view dotted_name() {
    skip_blanks();
    const std::string_view first = name();
    while (take('.')) {
      skip_blanks();
      name();
    }
    return first;
  }

  void word() {
    const std::string_view text = name();
    const bool first = std::exchange(statement_, false);
    if (!first || depth_ > 0) return;
    if (text == "import") {
      do {
        add(dotted_name());
        const std::size_t before = at_;
        skip_blanks();
        if (name() == "as") {
          skip_blanks();
          name();
        } else {
          at_ = before;
        }
      } while (take(','));
    } else if (text == "from") {
      const std::string_view module = dotted_name();
      skip_blanks();
      if (name() == "import") add(module);
    }
  }

  void add(std::string_view module) {
    if (!module.empty()) found_.emplace(module);
  }

  std::string_view code_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool statement_ = true;
  std::set<std::string, std::less<>> found_;
};

}  // namespace

std::set<std::string, std::less<>> imported_modules(std::string_view code) {
  if (code.starts_with("\xef\xbb\xbf")) code.remove_prefix(3);
  return Scanner(code).scan();
}

}  // namespace podium::python_pod
