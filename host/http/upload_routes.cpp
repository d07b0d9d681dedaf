/// POST /upload and /upload/batch: forms that are parsed as they arrive, whose files are stored as
/// they are parsed, and which become visible only when their closing boundary was seen.

#include <algorithm>

#include "http/exchange.hpp"
#include "http/exec_command.hpp"
#include "http/multipart.hpp"
#include "http/routes.hpp"

namespace podium {
namespace {

constexpr std::size_t kMaxFieldBytes = 4096;
// Of a whole form, in uploads of the largest size.
constexpr Bytes kMaxFormInFiles = 4;
constexpr Bytes kFormOverhead = 1u << 20;

/// One file of the form: stored, or refused for a reason.
struct FormFile {
  std::string name;                ///< as the client gave it
  std::unique_ptr<Upload> upload;  ///< none: refused
  std::optional<Failure> failure;
};

/// A form while it arrives. In a batch a file that is refused stands alone; otherwise the first
/// refusal ends the request.
class UploadReader {
 public:
  UploadReader(Exchange& exchange, bool batch) : exchange_(exchange), batch_(batch) {}

  /// Reads the form to its end. Whatever is too large is told in the words that clients know.
  Task<> read();

  std::vector<FormFile>& files() noexcept { return files_; }
  UploadForm& form() noexcept { return form_; }
  bool limit_reached() const noexcept { return limit_reached_; }

 private:
  enum class Target { kNothing, kField, kFile };

  Task<> read_parts();
  Task<> apply(const FormEvent& event);
  void begin_part(const PartHead& head);
  void begin_file(const std::string& name);
  Task<> end_part();
  void set_field();
  Task<> write(std::string_view chunk);
  void refuse(const Failure& failure);

  Exchange& exchange_;
  const bool batch_;
  std::vector<FormFile> files_;
  UploadForm form_;
  Target target_ = Target::kNothing;
  std::string field_, value_;
  bool limit_reached_ = false;
};

Failure in_known_words(const Failure& failure) {
  if (failure.code() != Code::kTooLarge) return failure;
  return Failure(Code::kTooLarge, "File size limit exceeded");
}

Task<> UploadReader::read() {
  try {
    co_await read_parts();
  } catch (const Failure& failure) {
    throw in_known_words(failure);
  }
}

Task<> UploadReader::read_parts() {
  const std::string* type = exchange_.head().headers.find("Content-Type");
  if (type == nullptr) throw Failure(Code::kUnsupportedMedia, "no Content-Type");
  MultipartParser parser(MultipartParser::boundary_of(*type));
  exchange_.body().limit(exchange_.config().http.max_upload * kMaxFormInFiles + kFormOverhead);

  std::vector<FormEvent> events;
  for (bool more = true; more;) {
    const std::string_view piece = co_await exchange_.body().next();
    more = !piece.empty();
    events.clear();
    parser.feed(piece, events);
    for (const FormEvent& event : events) co_await apply(event);
  }
  if (!parser.complete()) {
    throw Failure(Code::kMalformed,
                  "malformed multipart form: it ends before its closing boundary");
  }
}

Task<> UploadReader::apply(const FormEvent& event) {
  switch (event.kind) {
    case FormEvent::Kind::kPart:
      begin_part(event.head);
      break;
    case FormEvent::Kind::kPartEnd:
      co_await end_part();
      break;
    case FormEvent::Kind::kData:
      if (target_ == Target::kFile) co_await write(event.data);
      if (target_ == Target::kField) {
        value_ += event.data;
        if (value_.size() > kMaxFieldBytes) {
          throw Failure(Code::kUnprocessable, "a field of the form is longer than 4 KiB");
        }
      }
      break;
  }
}

void UploadReader::begin_part(const PartHead& head) {
  field_ = head.name;
  value_.clear();
  // A browser sends an input without a chosen file as a file without a name.
  const bool file = head.file_name && !head.file_name->empty();
  target_ = file ? Target::kFile : head.file_name ? Target::kNothing : Target::kField;
  if (file) begin_file(*head.file_name);
}

void UploadReader::begin_file(const std::string& name) {
  files_.push_back({name, nullptr, std::nullopt});
  const std::uint32_t most = exchange_.config().http.max_upload_files;
  try {
    if (files_.size() > most) {
      limit_reached_ = true;
      throw Failure(Code::kInvalidArgument, "at most " + std::to_string(most) + " files a form");
    }
    files_.back().upload = exchange_.context().exec.begin_upload(exchange_.generation(), name);
  } catch (const Failure& failure) {
    refuse(failure);
  }
}

Task<> UploadReader::write(std::string_view chunk) {
  if (!files_.back().upload) co_return;  // refused: its bytes are skipped
  try {
    co_await files_.back().upload->write(chunk);
  } catch (const Failure& failure) {
    refuse(failure);
  }
}

Task<> UploadReader::end_part() {
  if (target_ == Target::kField) set_field();
  if (target_ == Target::kFile && files_.back().upload) {
    try {
      co_await files_.back().upload->finish();
    } catch (const Failure& failure) {
      refuse(failure);
    }
  }
  target_ = Target::kNothing;
}

void UploadReader::refuse(const Failure& failure) {
  if (!batch_) throw Failure(failure);
  files_.back().upload.reset();
  files_.back().failure = in_known_words(failure);
}

[[noreturn]] void wrong_field(const std::string& name, const std::string& expected) {
  throw Failure(Code::kUnprocessable, name + " must be " + expected)
      .with_field({name, "must be " + expected, "value"});
}

bool is_plain(std::string_view text) {
  return text.size() <= 256 && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
         });
}

void UploadReader::set_field() {
  if (value_.empty()) return;
  if (field_ == "entity_id") {
    if (!is_entity_id(value_)) wrong_field(field_, "at most 40 of A-Z, a-z, 0-9, _ and -");
    form_.entity_id = value_;
  } else if (field_ == "kind") {
    if (value_ != "user" && value_ != "agent" && value_ != "skill") {
      wrong_field(field_, "user, agent or skill");
    }
    form_.kind = value_;
  } else if (field_ == "id" || field_ == "version") {
    if (!is_plain(value_)) wrong_field(field_, "at most 256 characters without control characters");
    (field_ == "id" ? form_.resource_id : form_.version) = value_;
  } else if (field_ == "read_only") {
    form_.read_only = equal_ignoring_case(value_, "true") || value_ == "1";
  }
}

/// What the routes answer with.
Json upload_answer(const char* message, const std::string& session, Json files) {
  return Json::object({{"message", message},
                       {"session_id", session},
                       {"storage_session_id", session},
                       {"files", std::move(files)}});
}

void require_files(const std::vector<FormFile>& files) {
  if (!files.empty()) return;
  throw Failure(Code::kUnprocessable, "the form holds no file")
      .with_field({"file", "is required", "missing"});
}

/// Commits what was stored. The names in the answer are those of the request, unchanged.
Task<std::vector<UploadedFile>> commit(Exchange& exchange, UploadReader& reader,
                                       std::string& session) {
  std::vector<std::unique_ptr<Upload>> uploads;
  for (FormFile& file : reader.files()) {
    if (file.upload) uploads.push_back(std::move(file.upload));
  }
  co_return co_await exchange.context().exec.commit_uploads(exchange.principal(), reader.form(),
                                                            std::move(uploads), session);
}

Json batch_files(const std::vector<FormFile>& files, const std::vector<UploadedFile>& stored) {
  Json list = Json::array();
  auto next = stored.begin();
  for (const FormFile& file : files) {
    if (file.failure) {
      list.push(Json::object(
          {{"status", "error"}, {"filename", file.name}, {"error", file.failure->what()}}));
    } else {
      list.push(
          Json::object({{"status", "success"}, {"fileId", next->id}, {"filename", file.name}}));
      ++next;
    }
  }
  return list;
}

}  // namespace

Task<> upload_route(Exchange& exchange) {
  UploadReader reader(exchange, false);
  co_await reader.read();
  require_files(reader.files());
  std::string session;
  const std::vector<UploadedFile> stored = co_await commit(exchange, reader, session);
  Json files = Json::array();
  for (const UploadedFile& file : stored) {
    files.push(Json::object({{"fileId", file.id}, {"filename", file.name}}));
  }
  co_await exchange.answer(json_answer(200, upload_answer("success", session, std::move(files))));
}

Task<> upload_batch_route(Exchange& exchange) {
  UploadReader reader(exchange, true);
  co_await reader.read();
  require_files(reader.files());
  std::string session;
  std::vector<UploadedFile> stored;
  const bool any = std::any_of(reader.files().begin(), reader.files().end(),
                               [](const FormFile& file) { return file.upload != nullptr; });
  if (any) stored = co_await commit(exchange, reader, session);

  const std::size_t failed = reader.files().size() - stored.size();
  const char* message = failed == 0 ? "success" : stored.empty() ? "error" : "partial_success";
  Json body = upload_answer(message, session, batch_files(reader.files(), stored));
  body.set("succeeded", stored.size());
  body.set("failed", failed);
  if (reader.limit_reached()) {
    body.set("filesLimitReached", true);
    body.set("maxFiles", exchange.config().http.max_upload_files);
  }
  co_await exchange.answer(json_answer(stored.empty() ? 400 : 200, body));
}

}  // namespace podium
