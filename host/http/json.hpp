#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "exec/command.hpp"
#include "exec/service.hpp"
#include "session/store.hpp"

namespace podium {

/// The 200 answer of POST /exec.
Json exec_json(const ExecResult& result);

/// One of its files.
Json result_file_json(const ResultFile& file);

/// A failure that came after the first byte, in the form of a result: the failure told in stderr,
/// status "failed" (or "cancelled") and an additional member "error". Clients take {"error":…}
/// alone for a run that printed nothing.
Json late_error_json(const std::string& message, RunStatus status, const std::string& session_id);

/// The forms of GET /files/{sid}?detail=….
enum class FileDetail { kSimple, kSummary, kFull, kNormalized };

/// By its name; kFull for an empty one. Throws Failure(kInvalidArgument) for any other.
FileDetail parse_file_detail(std::string_view name);

/// One file in a listing; `modified` is now, in ISO 8601, because a session that lives is fresh.
Json file_json(const FileRecord& file, FileDetail detail, const std::string& modified);

/// The answer of GET /sessions/{sid}/objects/{fid}.
Json object_json(const FileRecord& file, EpochMs now);

}  // namespace podium
