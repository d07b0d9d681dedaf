#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace podium {

/// What a program says to the host beside what it prints, on its stdout: pieces of words between a
/// marker that holds a secret of this run, and the end of a line. Each piece is short enough to be
/// written at once, so that processes of one program do not mix theirs. The program can forge them:
/// then it has spoken for itself, which it may.
///
///   <marker> call <id> <0|1> <data>\n   1: more pieces of this call follow
///   <marker> wait <seen>\n              it does nothing until it gets results; so many it has had
///
/// The data of a call is the number of its tool, a space, and its input.
class ToolFrames {
 public:
  struct Word {
    enum class Kind { kCall, kWait } kind;
    std::string id;          ///< of a call: the program's own, of [A-Za-z0-9._]
    std::string data;        ///< of a call, put together
    unsigned long seen = 0;  ///< of a wait
  };

  /// Bytes of calls that have not come whole, together: more than calls may add to the output.
  static constexpr std::size_t kMostPending = 16u << 20;

  explicit ToolFrames(std::string_view secret);

  static std::string marker(std::string_view secret);

  /// What of `chunk` (and of what was held back before) the program printed; valid until the next
  /// call. Words that are complete are added to `words`. What breaks the rules is printed text.
  std::string_view take(std::string_view chunk, std::vector<Word>& words);

  /// At the end: what was held back because it might have become a word.
  std::string_view rest();

 private:
  bool read(std::string_view line, std::vector<Word>& words);
  bool read_call(std::string_view rest, std::vector<Word>& words);

  const std::string marker_;
  std::string held_;   // from a marker, or the beginning of one, on
  std::string plain_;  // what take() has returned
  std::map<std::string, std::string, std::less<>> calls_;  // not yet whole, by id
  std::size_t pending_ = 0;
};

}  // namespace podium
