#include "cli/client.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/HTTPSClientSession.h>
#include <Poco/Net/NetException.h>
#include <Poco/StreamCopier.h>
#include <Poco/URI.h>

#include <array>
#include <fstream>
#include <memory>
#include <sstream>

#include "base/failure.hpp"
#include "base/ids.hpp"
#include "cli/event_reader.hpp"

namespace podium::cli {
namespace {

namespace fs = std::filesystem;
using Poco::Net::HTTPRequest;

// The daemon sends something every few seconds while a program runs, but an operator may have
// switched to answers that do not: then this is the longest run that the client waits for.
const Poco::Timespan kConnectTimeout(5, 0), kSendTimeout(60, 0), kReceiveTimeout(3600, 0);

/// A name inside the quotes of Content-Disposition, as browsers write it.
std::string form_name(const std::string& name) {
  std::string out;
  for (const char c : name) {
    if (c == '"') {
      out += "%22";
    } else if (c == '\r') {
      out += "%0D";
    } else if (c == '\n') {
      out += "%0A";
    } else {
      out += c;
    }
  }
  return out;
}

/// One file of a form: its part's head and its length.
struct Part {
  fs::path file;
  std::string head;
  std::uint64_t length;
};

Part make_part(const fs::path& file, const std::string& boundary, bool many) {
  if (!fs::is_regular_file(file)) {
    throw Failure(Code::kInvalidArgument, file.string() + " is not a file; --file wants one");
  }
  return {file,
          "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" +
              (many ? "files" : "file") + "\"; filename=\"" + form_name(file.filename().string()) +
              "\"\r\nContent-Type: application/octet-stream\r\n\r\n",
          fs::file_size(file)};
}

/// Sends exactly the length that was promised, or throws.
void send_file(const Part& part, std::ostream& out,
               const std::function<void(std::uint64_t)>& sent) {
  std::ifstream in(part.file, std::ios::binary);
  std::array<char, 65536> buffer;
  for (std::uint64_t left = part.length; left > 0;) {
    const auto want = static_cast<std::streamsize>(std::min<std::uint64_t>(left, buffer.size()));
    if (!in.read(buffer.data(), want)) {
      throw Failure(Code::kUnavailable,
                    "reading " + part.file.string() + ": it ended before the length it had");
    }
    if (!out.write(buffer.data(), want)) return;  // the answer says why nothing is taken any more
    left -= static_cast<std::uint64_t>(want);
    sent(static_cast<std::uint64_t>(want));
  }
}

const std::string& required_text(const Json& object, const char* key) {
  const Json* value = object.find(key);
  if (value == nullptr || !value->is_string()) {
    throw Failure(Code::kInternal,
                  std::string("the daemon's answer has no text '") + key + "'; is this podiumd?");
  }
  return value->string();
}

}  // namespace

/// One request on one connection.
class Client::Session {
 public:
  explicit Session(const Server& server) : server_(server), uri_(server.url) {
    const bool tls = uri_.getScheme() == "https";
    if ((!tls && uri_.getScheme() != "http") || uri_.getHost().empty()) {
      throw Failure(Code::kInvalidArgument,
                    "'" + server.url + "' is no URL of podiumd; expected http://HOST:PORT");
    }
    if (tls) {
      http_ = std::make_unique<Poco::Net::HTTPSClientSession>(uri_.getHost(), uri_.getPort(),
                                                              strict_tls());
    } else {
      http_ = std::make_unique<Poco::Net::HTTPClientSession>(uri_.getHost(), uri_.getPort());
    }
    http_->setTimeout(kConnectTimeout, kSendTimeout, kReceiveTimeout);
  }

  HTTPRequest request(const std::string& method, const std::string& path) const {
    std::string base = uri_.getPath();
    while (!base.empty() && base.back() == '/') base.pop_back();
    HTTPRequest request(method, base + path, HTTPRequest::HTTP_1_1);
    request.set("User-Agent", "podium");
    if (!server_.key.empty()) request.set("X-API-Key", server_.key);
    return request;
  }

  /// Sends head and body, then reads the answer's head.
  std::istream& exchange(HTTPRequest& request, const std::function<void(std::ostream&)>& body,
                         Poco::Net::HTTPResponse& response) {
    try {
      std::ostream& out = http_->sendRequest(request);
      if (body) body(out);
      return http_->receiveResponse(response);
    } catch (const Poco::Net::NoMessageException&) {
      throw unreachable("it closed the connection without an answer");
    } catch (const Poco::Exception& error) {
      throw unreachable(error.displayText());
    }
  }

  Reply whole(HTTPRequest& request, const std::function<void(std::ostream&)>& body) {
    Poco::Net::HTTPResponse response;
    std::istream& in = exchange(request, body, response);
    Reply reply{static_cast<int>(response.getStatus()), response.get("X-Request-ID", ""), ""};
    try {
      Poco::StreamCopier::copyToString(in, reply.body);
    } catch (const Poco::Exception& error) {
      throw unreachable("the answer broke off: " + error.displayText());
    }
    return reply;
  }

  Failure unreachable(const std::string& reason) const {
    return {Code::kUnavailable,
            "cannot talk to podiumd at " + server_.url + ": " + reason +
                "; is it running? Start it, or say where it is with --url or PODIUM_URL"};
  }

 private:
  static Poco::Net::Context::Ptr strict_tls() {
    return new Poco::Net::Context(Poco::Net::Context::TLS_CLIENT_USE, "",
                                  Poco::Net::Context::VERIFY_STRICT, 9, true);
  }

  const Server& server_;
  Poco::URI uri_;
  std::unique_ptr<Poco::Net::HTTPClientSession> http_;
};

Client::Client(Server server) : server_(std::move(server)) {}

Reply Client::get(const std::string& path) const {
  Session session(server_);
  HTTPRequest request = session.request(HTTPRequest::HTTP_GET, path);
  return session.whole(request, nullptr);
}

Reply Client::send(const std::string& method, const std::string& path, const Json* body) const {
  if (body == nullptr) {
    Session session(server_);
    HTTPRequest request = session.request(method, path);
    return session.whole(request, nullptr);
  }
  return send_text(method, path, "application/json", json_dump(*body));
}

Reply Client::send_text(const std::string& method, const std::string& path, const std::string& type,
                        const std::string& text) const {
  Session session(server_);
  HTTPRequest request = session.request(method, path);
  request.setContentType(type);
  request.setContentLength64(static_cast<Poco::Int64>(text.size()));
  return session.whole(request, [&text](std::ostream& out) { out << text; });
}

Reply Client::exec(const Json& body) const { return send(HTTPRequest::HTTP_POST, "/exec", &body); }

Reply Client::exec_stream(
    const Json& body,
    const std::function<void(const std::string&, const std::string&)>& event) const {
  Session session(server_);
  HTTPRequest request = session.request(HTTPRequest::HTTP_POST, "/exec/stream");
  const std::string text = json_dump(body);
  request.setContentType("application/json");
  request.set("Accept", "text/event-stream");
  request.setContentLength64(static_cast<Poco::Int64>(text.size()));
  Poco::Net::HTTPResponse response;
  std::istream& in = session.exchange(
      request, [&text](std::ostream& out) { out << text; }, response);
  Reply reply{static_cast<int>(response.getStatus()), response.get("X-Request-ID", ""), ""};
  try {
    if (response.getContentType() != "text/event-stream") {
      Poco::StreamCopier::copyToString(in, reply.body);
      return reply;
    }
    EventReader events(in);
    for (ServerEvent next; events.next(next);) event(next.name, next.data);
  } catch (const Poco::Exception& error) {
    throw session.unreachable("the answer broke off: " + error.displayText());
  }
  return reply;
}

UploadReply Client::upload(const std::vector<fs::path>& files, const Progress& progress) const {
  const std::string boundary = "podium-" + new_id();
  const std::string tail = "--" + boundary + "--\r\n";
  std::vector<Part> parts;
  std::uint64_t all = 0, framing = tail.size();
  for (const fs::path& file : files) {
    parts.push_back(make_part(file, boundary, files.size() > 1));
    all += parts.back().length;
    framing += parts.back().head.size() + 2;
  }
  Session session(server_);
  HTTPRequest request = session.request(HTTPRequest::HTTP_POST, "/upload");
  request.setContentType("multipart/form-data; boundary=" + boundary);
  request.setContentLength64(static_cast<Poco::Int64>(all + framing));
  std::uint64_t sent = 0;
  const Reply reply = session.whole(request, [&](std::ostream& out) {
    for (const Part& part : parts) {
      out << part.head;
      send_file(part, out, [&](std::uint64_t n) { progress(sent += n, all); });
      out << "\r\n";
    }
    out << tail;
  });
  if (reply.status != 200) throw refusal(reply);
  const Json answer = json_parse(reply.body);
  UploadReply result{required_text(answer, "session_id"), {}};
  if (const Json* list = answer.find("files"); list != nullptr && list->is_array()) {
    for (const Json& file : list->items()) {
      result.files.push_back({required_text(file, "fileId"), required_text(file, "filename")});
    }
  }
  return result;
}

void Client::download(const std::string& session_id, const std::string& file,
                      const fs::path& target) const {
  Session session(server_);
  HTTPRequest request =
      session.request(HTTPRequest::HTTP_GET, "/download/" + session_id + "/" + file);
  Poco::Net::HTTPResponse response;
  std::istream& in = session.exchange(request, nullptr, response);
  if (response.getStatus() != Poco::Net::HTTPResponse::HTTP_OK) {
    Reply reply{static_cast<int>(response.getStatus()), response.get("X-Request-ID", ""), ""};
    Poco::StreamCopier::copyToString(in, reply.body);
    throw refusal(reply);
  }
  fs::path part = target;
  part += ".part";
  std::ofstream out(part, std::ios::binary | std::ios::trunc);
  const std::streamsize copied = Poco::StreamCopier::copyStream(in, out);
  out.close();
  if (!out) {
    throw Failure(Code::kUnavailable, "cannot write " + part.string() + "; is the disk full?");
  }
  // A connection that breaks looks like the end of the body.
  if (response.hasContentLength() && copied != response.getContentLength64()) {
    fs::remove(part);
    throw session.unreachable("the download of " + target.filename().string() + " broke off");
  }
  fs::rename(part, target);
}

Failure Client::refusal(const Reply& reply) const {
  std::string sentence;
  try {
    const Json body = json_parse(reply.body);
    if (const Json* error = body.find("error"); error != nullptr && error->is_string()) {
      sentence = error->string();
    }
  } catch (const Failure&) {
    // Not JSON: another server, or a proxy. The status must do.
  }
  if (sentence.empty()) sentence = "an answer that is not podiumd's";
  if (reply.status == 401) {
    return {Code::kUnauthenticated,
            server_.key.empty()
                ? "podiumd wants an API key: give --key or --key-file, or set PODIUM_KEY or "
                  "PODIUM_KEY_FILE. The first start of podiumd left one in STATE_DIR/first-key, "
                  "readable for root"
                : "podiumd refuses the key from " + server_.key_origin + ": " + sentence};
  }
  std::string message =
      "podiumd at " + server_.url + " refused (" + std::to_string(reply.status) + "): " + sentence;
  if (!reply.request_id.empty()) message += " [request " + reply.request_id + "]";
  return {Code::kUnavailable, message};
}

}  // namespace podium::cli
