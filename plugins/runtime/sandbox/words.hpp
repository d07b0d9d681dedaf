#pragma once
#include <sstream>
#include <string>
#include <vector>

namespace podium::sandbox {

/// What stands between white space, as in most files of proc(5).
inline std::vector<std::string> words(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(std::move(word));
  return out;
}

}  // namespace podium::sandbox
