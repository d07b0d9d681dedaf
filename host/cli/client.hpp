#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.hpp"
#include "base/json.hpp"
#include "cli/command_line.hpp"

namespace podium::cli {

/// An answer, whatever its status.
struct Reply {
  int status = 0;
  std::string request_id;
  std::string body;
};

/// One file that was uploaded.
struct Uploaded {
  std::string id, name;
};

struct UploadReply {
  std::string session;
  std::vector<Uploaded> files;
};

/// The daemon's HTTP API as a client sees it: one connection a request, blocking, one thread.
///
/// All functions throw Failure: kUnavailable when the daemon cannot be reached (it says what to
/// do), and, but for get and exec, the daemon's own refusal with its sentence.
class Client {
 public:
  explicit Client(Server server);

  Reply get(const std::string& path) const;

  /// Any other request, with a JSON body when there is one.
  Reply send(const std::string& method, const std::string& path, const Json* body) const;

  /// The same with a body of any other type.
  Reply send_text(const std::string& method, const std::string& path, const std::string& type,
                  const std::string& text) const;

  /// POST /exec. Waits for as long as the daemon keeps the connection.
  Reply exec(const Json& request) const;

  /// POST /exec/stream: calls `event` with name and data of each event as it comes. The reply has a
  /// body when the daemon answered otherwise than by events.
  Reply exec_stream(const Json& request,
                    const std::function<void(const std::string&, const std::string&)>& event) const;

  /// Called with the bytes sent so far and all there are.
  using Progress = std::function<void(std::uint64_t sent, std::uint64_t all)>;

  /// Uploads files by their last path component, all into one new session.
  UploadReply upload(const std::vector<std::filesystem::path>& files,
                     const Progress& progress) const;

  /// Writes a stored file to `target`, which appears only when it is complete.
  void download(const std::string& session, const std::string& file,
                const std::filesystem::path& target) const;

  /// The failure that an answer tells, with what the user can do about it.
  Failure refusal(const Reply& reply) const;

  const Server& server() const noexcept { return server_; }

 private:
  class Session;

  Server server_;
};

}  // namespace podium::cli
