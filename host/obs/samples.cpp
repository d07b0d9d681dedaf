#include "obs/samples.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "base/utf8.hpp"

namespace podium {
namespace {

constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
constexpr std::string_view kDigits = "0123456789";

/// How many characters from the start make a name; ':' belongs to metrics only.
std::size_t name_length(std::string_view text, bool colon) {
  std::size_t at = 0;
  const auto fits = [&](char c) {
    return kLetters.find(c) != kLetters.npos || (colon && c == ':') ||
           (at > 0 && kDigits.find(c) != kDigits.npos);
  };
  while (at < text.size() && fits(text[at])) ++at;
  return at;
}

/// The length of a quoted value at the start of `text`; 0 when there is none.
std::size_t value_length(std::string_view text) {
  if (text.empty() || text.front() != '"') return 0;
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '"') return at + 1;
    if (text[at] == '\n') return 0;
    if (text[at] != '\\') continue;
    if (++at == text.size() || std::string_view("\\\"n").find(text[at]) == std::string_view::npos) {
      return 0;
    }
  }
  return 0;
}

std::string help_text(std::string_view help) {
  std::string out;
  for (const char c : to_utf8(help)) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

std::string number_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 32> text;
  return std::string(text.data(), std::to_chars(text.begin(), text.end(), value).ptr);
}

}  // namespace

bool is_label_list(std::string_view labels) {
  if (!is_utf8(labels)) return false;
  if (labels.empty()) return true;
  std::set<std::string_view> names;
  for (;;) {
    const std::size_t name = name_length(labels, false);
    if (name == 0 || !names.insert(labels.substr(0, name)).second) return false;
    labels.remove_prefix(name);
    if (labels.empty() || labels.front() != '=') return false;
    labels.remove_prefix(1);
    const std::size_t value = value_length(labels);
    if (value == 0) return false;
    labels.remove_prefix(value);
    if (labels.empty()) return true;
    if (labels.front() != ',') return false;
    labels.remove_prefix(1);
  }
}

void SampleCollection::add(const Metrics::Sample& sample) {
  const bool good = !sample.name.empty() && sample.name.size() <= 200 &&
                    name_length(sample.name, true) == sample.name.size() &&
                    taken_.count(sample.name) == 0 && is_label_list(sample.labels);
  if (!good) {
    ++refused_;
    return;
  }
  Family& family =
      families_.try_emplace(sample.name, Family{sample.help, sample.counter, {}}).first->second;
  if (family.counter != sample.counter ||
      !family.values.emplace(sample.labels, sample.value).second) {
    ++refused_;
  }
}

std::string SampleCollection::text() const {
  std::string out;
  for (const auto& [name, family] : families_) {
    out += "# HELP " + name + " " + help_text(family.help) + "\n";
    out += "# TYPE " + name + (family.counter ? " counter\n" : " gauge\n");
    for (const auto& [labels, value] : family.values) {
      out += name;
      if (!labels.empty()) out += "{" + labels + "}";
      out += " " + number_text(value) + "\n";
    }
  }
  return out;
}

}  // namespace podium
