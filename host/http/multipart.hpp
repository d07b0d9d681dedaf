#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace podium {

/// What stands before the bytes of one part of a form.
struct PartHead {
  std::string name;                      ///< of the field
  std::optional<std::string> file_name;  ///< set for files; decoded, as the client means it
};

/// One thing that the parser found.
struct FormEvent {
  enum class Kind { kPart, kData, kPartEnd };
  Kind kind;
  PartHead head;          ///< of kPart
  std::string_view data;  ///< of kData; borrowed, see feed
};

/// multipart/form-data (RFC 7578, RFC 2046 5.1), pushed in pieces of any size.
///
/// Holds no more than one part head and one delimiter back; bytes of parts are passed on as they
/// come. A form is complete only when its closing delimiter was seen. Throws Failure(kMalformed)
/// that says what is wrong with the form; it cannot be used after that.
class MultipartParser {
 public:
  struct Rules {
    std::size_t max_parts = 1000;
    std::size_t max_head = 8 * 1024;      ///< of one part
    std::size_t max_preamble = 4 * 1024;  ///< before the first delimiter
  };

  explicit MultipartParser(std::string_view boundary);
  MultipartParser(std::string_view boundary, Rules rules);

  /// The boundary of a Content-Type. Throws Failure: kUnsupportedMedia when it is no
  /// multipart/form-data, kMalformed when the boundary is missing or not 1 to 70 legal characters.
  static std::string boundary_of(std::string_view content_type);

  /// Reads the next bytes and appends what they hold to `events`, whose data is valid until the
  /// next call and no longer than `bytes` is.
  void feed(std::string_view bytes, std::vector<FormEvent>& events);

  bool complete() const noexcept { return state_ == State::kEpilogue; }

 private:
  enum class State { kPreamble, kDelimiter, kHead, kData, kEpilogue };

  bool step(std::vector<FormEvent>& events);
  bool skip_preamble();
  bool read_delimiter();
  bool read_head(std::vector<FormEvent>& events);
  bool read_data(std::vector<FormEvent>& events);
  std::size_t held_back(std::string_view text) const;
  std::string_view rest() const { return input_.substr(start_); }

  std::string delimiter_;  // CR LF "--" boundary
  Rules rules_;
  State state_ = State::kPreamble;
  std::string held_;        // bytes of former calls that are not understood yet
  std::string joined_;      // they and those of the present call
  std::string_view input_;  // of the present call: either those alone, where they lie, or joined_
  std::size_t start_ = 0;   // of what is not understood yet in input_
  std::size_t parts_ = 0;
  std::size_t preamble_ = 0;
};

/// Reads one part's head, without the empty line. Throws Failure(kMalformed).
PartHead parse_part_head(std::string_view text);

}  // namespace podium
