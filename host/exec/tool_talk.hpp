#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "config/config.hpp"
#include "exec/async.hpp"
#include "exec/tool_frames.hpp"
#include "exec/tool_programs.hpp"

namespace podium {

enum class RunStage : std::uint8_t;

/// One call that a program waits for.
struct ToolCall {
  std::string id;    ///< "call_001": for the client
  std::string name;  ///< of the tool
  Json input;        ///< an object
};

/// What came of one.
struct ToolResult {
  std::string id;
  Json result;
  bool failed = false;
  std::string message;  ///< when it failed
};

/// The talk of one program with the tools of its client. What it prints passes through on the
/// thread of its runtime (hear, rest; calls never overlap); all else is of the I/O thread.
class ToolTalk : public std::enable_shared_from_this<ToolTalk> {
 public:
  static constexpr unsigned kMostCalls = 200;
  static constexpr Bytes kMostResult = 5u << 20, kMostResults = 40u << 20;
  /// What calls may add to the output of a program.
  static constexpr Bytes kMostCallBytes = 8u << 20;

  /// The longest that such a program lives, most of it waiting.
  static constexpr milliseconds kLongest{3'600'000};

  ToolTalk(asio::io_context& io, ToolLanguage language, std::vector<Tool> tools);

  /// What is run in place of `code`.
  std::string program(const std::string& code) const {
    return program_with_tools(language_, code, tools_, secret_);
  }

  /// What of the chunk the program printed; valid until the next call.
  std::string_view hear(std::string_view chunk);
  std::string_view rest() { return frames_.rest(); }
  /// What was kept of it, cut at the limit: for said_so_far().
  void printed(unsigned stream, std::string_view kept);

  /// The beginning of what the program has printed, as UTF-8. Any thread.
  struct Said {
    std::string out, err;
  };
  Said said_so_far() const;
  static constexpr std::size_t kMostSaid = 64u << 10;  ///< of each stream

  /// To be set before the program runs.
  struct Listener {
    std::function<void()> news;                ///< asks() or fault() has become true
    std::function<void(std::string)> refused;  ///< input for the program: a call that cannot be
    std::function<void(RunStage)> stage;
  };
  void set_listener(Listener listener) { listener_ = std::move(listener); }
  const Listener& listener() const noexcept { return listener_; }

  /// The program waits for calls that nobody has been asked yet.
  bool asks() const noexcept { return asks_; }
  /// Those calls. Their results are to come together, by give().
  std::vector<ToolCall> ask();
  /// What has been asked and not been given, in order.
  const std::vector<std::string>& open_calls() const noexcept { return asked_; }
  /// The input of the program that answers all of open_calls(). Throws Failure: kUnprocessable when
  /// one is missing or was not asked, kTooLarge past a limit. On any thread, while nobody calls
  /// ask() or gave().
  std::string answer(const std::vector<ToolResult>& results) const;
  /// It is given that now.
  void gave(const std::string& answer);

  /// A sentence when the program has broken a rule and is to be ended; else empty.
  const std::string& fault() const noexcept { return fault_; }

 private:
  struct Call {
    std::string own_id;  // of the program
    ToolCall call;
  };

  void listen(std::vector<ToolFrames::Word> words);
  void called(ToolFrames::Word word);
  void wait_for_more();
  void becomes_asking();
  void fail(std::string why);
  std::string words_for(const std::string& own_id, const ToolResult& result) const;

  asio::io_context& io_;
  const ToolLanguage language_;
  const std::vector<Tool> tools_;
  const std::string secret_;
  ToolFrames frames_;  // runtime's thread
  mutable std::mutex said_mutex_;
  Said said_;
  Listener listener_;
  std::vector<Call> fresh_;                    // not asked yet
  std::vector<std::string> asked_;             // ids of the client, open
  std::map<std::string, std::string> own_id_;  // of those
  unsigned calls_ = 0;
  unsigned long given_ = 0;  // results and refusals
  Bytes given_bytes_ = 0;
  bool asks_ = false;
  std::string fault_;
  Timer settle_;
};

}  // namespace podium
