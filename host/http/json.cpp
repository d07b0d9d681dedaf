#include "http/json.hpp"

#include <algorithm>
#include <charconv>

#include "base/failure.hpp"
#include "base/file_name.hpp"
#include "http/head.hpp"

namespace podium {
namespace {

constexpr std::size_t kMaxLeftOutNamed = 20;

std::string mounted_path(const std::string& name) { return "/mnt/data/" + name; }

/// Clients send versions as numbers and take back only those.
Json version(const std::string& text) {
  long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return Json(number);
  return Json(text);
}

/// The names of a list with commas.
Json names_in(std::string_view list) {
  Json names = Json::array();
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    const std::string_view name = trim_blanks(list.substr(0, end));
    if (!name.empty()) names.push(name);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return names;
}

/// What was left out of `files`, in the shape of the official server.
Json truncation(const std::vector<std::string>& left_out) {
  Json named = Json::array();
  for (std::size_t i = 0; i < std::min(left_out.size(), kMaxLeftOutNamed); ++i) {
    named.push(left_out[i]);
  }
  return Json::object({{"skipped_count", left_out.size()},
                       {"skipped", std::move(named)},
                       {"reasons", Json::object({{"limits", left_out.size()}})}});
}

/// The members that every answer of /exec has, in their order.
Json exec_members(const std::string& session, Json out, Json err, Json files, Json deleted) {
  Json json = Json::object();
  json.set("session_id", session);
  json.set("stdout", std::move(out));
  json.set("stderr", std::move(err));
  json.set("files", std::move(files));
  json.set("deleted_files", std::move(deleted));
  return json;
}

void set_state_members(Json& json) {
  json.set("has_state", nullptr);
  json.set("state_size", nullptr);
  json.set("state_hash", nullptr);
}

/// "report.tar.gz" has ".gz"; a name without one, or with an odd one, has none.
std::string extension(const std::string& name) {
  const std::size_t slash = name.rfind('/');
  const std::string last = name.substr(slash == std::string::npos ? 0 : slash + 1);
  const std::size_t dot = last.rfind('.');
  if (dot == std::string::npos || dot == 0) return {};
  const std::string found = last.substr(dot);
  const bool plain = found.size() > 1 && found.size() <= 17 &&
                     std::all_of(found.begin() + 1, found.end(), [](char c) {
                       return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                              (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
                     });
  return plain ? found : std::string();
}

std::string object_name(const FileRecord& file) { return file.session + "/" + file.id; }

// Listings may have ten thousand files: members are put in place, not copied from a list.

Json simple_json(const FileRecord& file) {
  Json::Object json;
  json.reserve(3);
  json.emplace_back("id", file.id);
  json.emplace_back("name", file.name);
  json.emplace_back("path", mounted_path(file.name));
  return Json(std::move(json));
}

Json summary_json(const FileRecord& file, const std::string& modified) {
  Json::Object json;
  json.reserve(4);
  json.emplace_back("name", object_name(file));
  json.emplace_back("size", file.size);
  json.emplace_back("lastModified", modified);
  json.emplace_back("etag", file.sha256);
  return Json(std::move(json));
}

Json full_json(const FileRecord& file, const std::string& modified) {
  const std::string type(media_type_of(file.name));
  Json::Object metadata;
  metadata.reserve(2);
  metadata.emplace_back("content-type", type);
  metadata.emplace_back("original-filename", file.name);
  Json::Object json;
  json.reserve(10);
  json.emplace_back("name", object_name(file) + extension(file.name));
  json.emplace_back("id", file.id);
  json.emplace_back("session_id", file.session);
  json.emplace_back("storage_session_id", file.session);
  json.emplace_back("content", nullptr);
  json.emplace_back("size", file.size);
  json.emplace_back("lastModified", modified);
  json.emplace_back("etag", file.sha256);
  json.emplace_back("contentType", type);
  json.emplace_back("metadata", std::move(metadata));
  return Json(std::move(json));
}

Json normalized_json(const FileRecord& file, const std::string& modified) {
  Json::Object json;
  json.reserve(7);
  json.emplace_back("id", file.id);
  json.emplace_back("name", file.name);
  json.emplace_back("storage_session_id", file.session);
  json.emplace_back("size", file.size);
  json.emplace_back("contentType", media_type_of(file.name));
  json.emplace_back("lastModified", modified);
  if (file.read_only) json.emplace_back("read_only", true);
  return Json(std::move(json));
}

}  // namespace

Json result_file_json(const ResultFile& file) {
  Json json = Json::object({{"id", file.id},
                            {"name", file.name},
                            {"path", mounted_path(file.name)},
                            {"session_id", file.session},
                            {"storage_session_id", file.session}});
  if (!file.modified_from.empty()) {
    json.set("modified_from", Json::object({{"id", file.modified_from},
                                            {"session_id", file.modified_from_session},
                                            {"storage_session_id", file.modified_from_session}}));
  }
  if (file.inherited) json.set("inherited", true);
  if (!file.scope.kind.empty()) json.set("kind", file.scope.kind);
  if (!file.scope.resource.empty()) json.set("resource_id", file.scope.resource);
  if (!file.scope.version.empty()) json.set("version", version(file.scope.version));
  return json;
}

Json exec_json(const ExecResult& result) {
  Json files = Json::array();
  for (const ResultFile& file : result.files) files.push(result_file_json(file));
  Json deleted = Json::array();
  for (const std::string& name : result.deleted_files) deleted.push(name);

  Json json =
      exec_members(result.session_id, result.out, result.err, std::move(files), std::move(deleted));
  json.set("code", result.exit_code ? Json(*result.exit_code) : Json());
  json.set("signal", result.signal.empty() ? Json() : Json(result.signal));
  json.set("status", to_string(result.status));
  if (!result.message.empty()) json.set("message", result.message);
  json.set("wall_time", static_cast<long long>(result.wall_ms));
  json.set("cpu_time", static_cast<long long>(result.cpu_ms));
  json.set("memory_peak", result.memory_peak);
  set_state_members(json);
  if (!result.left_out.empty()) json.set("artifact_truncation", truncation(result.left_out));
  if (!result.unenforced.empty()) json.set("unenforced_limits", names_in(result.unenforced));
  return json;
}

Json late_error_json(const std::string& message, RunStatus status, const std::string& session_id) {
  Json json = exec_members(session_id, "", message + "\n", Json::array(), Json::array());
  json.set("code", nullptr);
  json.set("signal", nullptr);
  json.set("status", to_string(status));
  json.set("message", message);
  json.set("wall_time", 0);
  json.set("cpu_time", 0);
  json.set("memory_peak", 0);
  set_state_members(json);
  json.set("error", message);
  return json;
}

FileDetail parse_file_detail(std::string_view name) {
  if (name.empty() || name == "full") return FileDetail::kFull;
  if (name == "simple") return FileDetail::kSimple;
  if (name == "summary") return FileDetail::kSummary;
  if (name == "normalized") return FileDetail::kNormalized;
  throw Failure(Code::kInvalidArgument, "detail must be simple, summary, full or normalized");
}

Json file_json(const FileRecord& file, FileDetail detail, const std::string& modified) {
  switch (detail) {
    case FileDetail::kSimple:
      return simple_json(file);
    case FileDetail::kSummary:
      return summary_json(file, modified);
    case FileDetail::kFull:
      return full_json(file, modified);
    case FileDetail::kNormalized:
      return normalized_json(file, modified);
  }
  return {};
}

Json object_json(const FileRecord& file, EpochMs now) {
  Json json = Json::object({{"name", object_name(file)},
                            {"originalFilename", file.name},
                            {"size", file.size},
                            {"lastModified", iso8601(now)},
                            {"etag", file.sha256},
                            {"contentType", media_type_of(file.name)},
                            {"readOnly", file.read_only}});
  if (!file.version.empty()) json.set("version", file.version);
  return json;
}

}  // namespace podium
