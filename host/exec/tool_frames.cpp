#include "exec/tool_frames.hpp"

#include <algorithm>
#include <charconv>

namespace podium {
namespace {

// A piece is at most PIPE_BUF long; what is longer without an end of line is none.
constexpr std::size_t kMostLine = 4096;
constexpr std::size_t kMostId = 40;

bool is_call_id(std::string_view text) {
  return !text.empty() && text.size() <= kMostId &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '.' || c == '_';
         });
}

/// Up to the next space, which is taken too.
std::string_view next_word(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

/// The longest end of `text` that begins `marker`.
std::size_t begun_marker(std::string_view text, std::string_view marker) {
  for (std::size_t size = std::min(text.size(), marker.size() - 1); size > 0; --size) {
    if (text.substr(text.size() - size) == marker.substr(0, size)) return size;
  }
  return 0;
}

}  // namespace

ToolFrames::ToolFrames(std::string_view secret) : marker_(marker(secret)) {}

std::string ToolFrames::marker(std::string_view secret) {
  return "\x1e" + std::string(secret) + " ";
}

std::string_view ToolFrames::take(std::string_view chunk, std::vector<Word>& words) {
  plain_.clear();
  std::string_view left = chunk;
  if (!held_.empty()) {
    held_.append(chunk);
    left = held_;
  }
  std::size_t keep = 0;
  while (!left.empty()) {
    const std::size_t at = left.find(marker_);
    if (at == std::string_view::npos) {
      keep = begun_marker(left, marker_);
      plain_.append(left.substr(0, left.size() - keep));
      break;
    }
    plain_.append(left.substr(0, at));
    left.remove_prefix(at);
    const std::size_t end = left.substr(0, kMostLine + 1).find('\n');
    if (end == std::string_view::npos && left.size() <= kMostLine) {
      keep = left.size();
      break;
    }
    if (end != std::string_view::npos && end <= kMostLine &&
        read(left.substr(marker_.size(), end - marker_.size()), words)) {
      left.remove_prefix(end + 1);
    } else {
      plain_.append(left.substr(0, marker_.size()));
      left.remove_prefix(marker_.size());
    }
  }
  held_ = std::string(left.substr(left.size() - keep));
  return plain_;
}

std::string_view ToolFrames::rest() {
  plain_ = std::move(held_);
  held_.clear();
  return plain_;
}

bool ToolFrames::read(std::string_view line, std::vector<Word>& words) {
  const std::string_view kind = next_word(line);
  if (kind == "call") return read_call(line, words);
  if (kind != "wait") return false;
  Word word{Word::Kind::kWait, {}, {}, 0};
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), word.seen);
  if (error != std::errc() || end != line.data() + line.size()) return false;
  words.push_back(std::move(word));
  return true;
}

bool ToolFrames::read_call(std::string_view rest, std::vector<Word>& words) {
  const std::string_view id = next_word(rest);
  const std::string_view more = next_word(rest);
  if (!is_call_id(id) || (more != "0" && more != "1")) return false;
  auto call = calls_.find(id);
  const std::size_t size = rest.size() + (call == calls_.end() ? id.size() : 0);
  if (pending_ + size > kMostPending) return false;
  if (call == calls_.end()) call = calls_.emplace(id, std::string()).first;
  call->second.append(rest);
  pending_ += size;
  if (more == "1") return true;
  pending_ -= call->first.size() + call->second.size();
  words.push_back({Word::Kind::kCall, call->first, std::move(call->second), 0});
  calls_.erase(call);
  return true;
}

}  // namespace podium
