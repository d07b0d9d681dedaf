#pragma once
#include <string>
#include <vector>

#include "config/config.hpp"

namespace podium {

/// Sentences on what of a run was left out, for people and models; bounded.
class LeftOut {
 public:
  /// "NAME was left out: WHY." with the name in its listable form.
  void add(const std::string& path, const std::string& why);
  /// A sentence of its own.
  void say(std::string sentence);
  std::vector<std::string> take();

 private:
  std::vector<std::string> sentences_;
  std::size_t more_ = 0;
};

/// A regular file below a directory.
struct FoundFile {
  std::string path;
  Bytes size = 0;  ///< when it was found
};

/// Finds the regular files below a directory, without following anything, sorted by their paths.
/// Symbolic links, FIFOs, sockets and devices are told to `left_out`, and files deeper than
/// `max_depth` levels; whiteouts of an overlay (character devices 0/0) are passed over. Throws
/// Failure when the directory itself cannot be read.
std::vector<FoundFile> walk_regular_files(int directory, unsigned max_depth, LeftOut& left_out);

}  // namespace podium
