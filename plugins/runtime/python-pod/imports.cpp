#include "imports.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace podium::python_pod {
namespace {

bool is_name(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// Walks over Python source, statement by statement as far as imports need it.
class Scanner {
 public:
  explicit Scanner(std::string_view code) : code_(code) {}

  std::set<std::string> scan() {
    bool at_start = true;  // of a statement
    while (!end()) {
      const char c = peek();
      if (c == '#') {
        skip_comment();
      } else if (c == '"' || c == '\'') {
        skip_string();
        at_start = false;
      } else if (c == '\n' || c == ';' || c == ':') {
        ++at_;
        at_start = true;
      } else if (c == ' ' || c == '\t' || c == '\r' || c == '\f') {
        ++at_;
      } else if (is_name(c)) {
        const std::string_view word = name();
        if (at_start && word == "import") import_list();
        if (at_start && word == "from") from_module();
        // "r", "b", "f" and the like belong to the string behind them.
        at_start = false;
      } else {
        ++at_;
        at_start = false;
      }
    }
    return std::move(found_);
  }

 private:
  bool end() const noexcept { return at_ >= code_.size(); }
  char peek() const noexcept { return code_[at_]; }

  std::string_view name() {
    const std::size_t from = at_;
    while (!end() && is_name(peek())) ++at_;
    return code_.substr(from, at_ - from);
  }

  void skip_comment() {
    at_ = std::min(code_.size(), code_.find('\n', at_));
  }

  void skip_string() {
    const char quote = peek();
    const std::string three(3, quote);
    const bool triple = code_.substr(at_, 3) == three;
    at_ += triple ? 3 : 1;
    while (!end()) {
      if (peek() == '\\') {
        at_ += 2;
      } else if (triple ? code_.substr(at_, 3) == three : peek() == quote) {
        at_ += triple ? 3 : 1;
        return;
      } else if (!triple && peek() == '\n') {
        return;  // not closed: a fault of the program, whose own interpreter will say so
      } else {
        ++at_;
      }
    }
  }

  /// Blanks and continued lines.
  void skip_blanks() {
    while (!end()) {
      if (peek() == ' ' || peek() == '\t') {
        ++at_;
      } else if (peek() == '\\' && at_ + 1 < code_.size() && code_[at_ + 1] == '\n') {
        at_ += 2;
      } else {
        return;
      }
    }
  }

  /// "a.b.c": keeps a, passes the rest.
  void dotted() {
    skip_blanks();
    const std::string_view first = name();
    if (!first.empty()) found_.emplace(first);
    while (!end() && peek() == '.') {
      ++at_;
      name();
    }
    skip_blanks();
  }

  void import_list() {
    for (;;) {
      dotted();
      const std::size_t before = at_;
      if (name() == "as") {
        skip_blanks();
        name();
        skip_blanks();
      } else {
        at_ = before;
      }
      if (end() || peek() != ',') return;
      ++at_;
    }
  }

  void from_module() {
    skip_blanks();
    if (!end() && peek() == '.') return;  // relative
    dotted();
  }

  std::string_view code_;
  std::size_t at_ = 0;
  std::set<std::string> found_;
};

struct Stands {
  const char* package;
  std::array<const char*, 3> for_modules;
};
constexpr std::array kStands{
    Stands{"scipy", {"numpy", nullptr, nullptr}},
    Stands{"sklearn", {"numpy", nullptr, nullptr}},
    Stands{"statsmodels", {"numpy", "pandas", nullptr}},
    Stands{"seaborn", {"numpy", "pandas", "matplotlib"}},
    Stands{"pylab", {"numpy", "matplotlib", nullptr}}};

void add_what_they_stand_for(std::set<std::string>& imports) {
  for (const auto& stands : kStands) {
    if (!imports.contains(stands.package)) continue;
    for (const char* module : stands.for_modules) {
      if (module != nullptr) imports.emplace(module);
    }
  }
}

}  // namespace

std::set<std::string> imported_modules(std::string_view code) { return Scanner(code).scan(); }

std::size_t choose_tier(const std::vector<Tier>& tiers, std::string_view code,
                        const std::function<bool(std::size_t)>& usable) {
  std::set<std::string> imports = imported_modules(code);
  add_what_they_stand_for(imports);
  const auto has = [&](const Tier& tier) {
    return std::ranges::count_if(tier, [&](const auto& name) { return imports.contains(name); });
  };
  std::size_t best = tiers.size();
  for (std::size_t i = 0; i < tiers.size(); ++i) {
    // Strictly more: of tiers that serve equally well the smaller one comes first and stays.
    if (usable(i) && (best == tiers.size() || has(tiers[i]) > has(tiers[best]))) best = i;
  }
  return best;
}

}  // namespace podium::python_pod
