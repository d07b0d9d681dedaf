#include "config/config_text.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "config/section.hpp"

namespace podium {
namespace {

struct Comment {
  unsigned line;
  bool alone;  // nothing but blanks before it on its line
  std::string text;
};

/// Walks over a text that is known to be good: it looks for members and comments only.
class Walk {
 public:
  explicit Walk(std::string_view text) : text_(text) {}

  std::vector<ConfigPlace> run() {
    value("");
    skip();
    for (ConfigPlace& place : places_) place.comment = comment_of(place);
    return std::move(places_);
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  char take() {
    const char c = peek();
    ++at_;
    if (c == '\n') {
      ++line_;
      alone_ = true;
    } else if (c != ' ' && c != '\t' && c != '\r') {
      alone_ = false;
    }
    return c;
  }

  /// Over blanks, commas and comments.
  void skip() {
    while (at_ < text_.size()) {
      const char c = peek();
      if (c == '/') {
        comment();
      } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',' || c == ':') {
        take();
      } else {
        return;
      }
    }
  }

  void comment() {
    Comment found{line_, alone_, {}};
    const bool block = text_.substr(at_, 2) == "/*";
    const std::string_view mark = block ? "*/" : "\n";
    const std::size_t end = std::min(text_.find(mark, at_ + 2), text_.size());
    std::string_view words = text_.substr(at_ + 2, end - at_ - 2);
    while (!words.empty() && words.front() == ' ') words.remove_prefix(1);
    while (!words.empty() && (words.back() == ' ' || words.back() == '\r')) words.remove_suffix(1);
    found.text = words;
    comments_.push_back(std::move(found));
    const std::size_t stop = std::min(end + (block ? mark.size() : 0), text_.size());
    while (at_ < stop) take();
  }

  std::string string() {
    const std::size_t begin = at_;
    take();
    while (at_ < text_.size() && peek() != '"') {
      if (take() == '\\') take();
    }
    take();
    return json_parse(text_.substr(begin, at_ - begin)).string();
  }

  void value(const std::string& path) {
    skip();
    const char c = peek();
    if (c == '{') {
      object(path);
    } else if (c == '[') {
      take();
      for (skip(); at_ < text_.size() && peek() != ']'; skip()) value(path + "/-");
      take();
    } else if (c == '"') {
      string();
    } else {
      constexpr std::string_view kEnds = ",]}/ \t\r\n";
      do {
        take();
      } while (at_ < text_.size() && kEnds.find(peek()) == kEnds.npos);
    }
  }

  void object(const std::string& path) {
    take();
    for (skip(); at_ < text_.size() && peek() != '}'; skip()) {
      const unsigned line = line_;
      const std::string key = path_of(path, string());
      places_.push_back({key, line, {}});
      value(key);
    }
    take();
  }

  std::string comment_of(const ConfigPlace& place) const {
    std::string above;
    unsigned next = 0;
    for (const Comment& each : comments_) {
      if (each.line == place.line && !each.alone) return each.text;
      if (!each.alone || each.line >= place.line) continue;
      above = each.line == next ? above + " " + each.text : each.text;
      next = each.line + 1;
    }
    return next == place.line ? above : std::string();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  unsigned line_ = 1;
  bool alone_ = true;
  std::vector<ConfigPlace> places_;
  std::vector<Comment> comments_;
};

}  // namespace

std::vector<ConfigPlace> config_places(std::string_view text) { return Walk(text).run(); }

const ConfigPlace* find_place(const std::vector<ConfigPlace>& places, std::string_view key) {
  const auto at = std::find_if(places.begin(), places.end(),
                               [&](const ConfigPlace& place) { return place.key == key; });
  return at == places.end() ? nullptr : &*at;
}

}  // namespace podium
