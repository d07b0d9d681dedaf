#include "http/routes.hpp"

#include <algorithm>
#include <array>

#include "http/head.hpp"

namespace podium {
namespace {

constexpr std::array kRoutes{
    Route{"GET", "/", page_route, true},
    Route{"GET", "/admin", page_route, true},
    Route{"GET", "/assets/{}", page_asset_route, true},
    Route{"GET", "/page", page_start_route, false, true},
    Route{"POST", "/exec", exec_route, false, true},
    Route{"POST", "/exec/stream", exec_stream_route, false, true},
    Route{"GET", "/exec/ws", exec_ws_route, false, true},
    Route{"POST", "/exec/programmatic", tool_route, false, true},
    Route{"POST", "/exec/programmatic/cancel", cancel_tool_route, false, true},
    Route{"GET", "/runs", list_runs_route, false, false, false, true},
    Route{"GET", "/runs/{}", show_run_route, false, false, false, true},
    Route{"DELETE", "/runs/{}", cancel_run_route, false, false, false, true},
    Route{"GET", "/runs/{}/events", run_events_route, false, false, false, true},
    Route{"POST", "/upload", upload_route},
    Route{"POST", "/upload/batch", upload_batch_route},
    Route{"GET", "/files/{}", list_files_route},
    Route{"DELETE", "/files/{}/{}", delete_file_route},
    Route{"GET", "/download/{}/{}", download_route},
    Route{"OPTIONS", "/download/{}/{}", download_options_route, true},
    Route{"GET", "/sessions/{}/objects/{}", object_route},
    Route{"DELETE", "/sessions/{}/objects/{}", delete_file_route},
    Route{"GET", "/api/v1/admin/keys", list_keys_route, false, false, true},
    Route{"POST", "/api/v1/admin/keys", create_key_route, false, false, true},
    Route{"GET", "/api/v1/admin/keys/{}", show_key_route, false, false, true},
    Route{"PATCH", "/api/v1/admin/keys/{}", change_key_route, false, false, true},
    Route{"DELETE", "/api/v1/admin/keys/{}", delete_key_route, false, false, true},
    Route{"GET", "/api/v1/admin/audit", audit_route, false, false, true},
    Route{"GET", "/api/v1/admin/health", health_detailed_route, false, false, true},
    Route{"GET", "/api/v1/admin/metrics", metrics_route, false, false, true},
    Route{"POST", "/api/v1/admin/backup", backup_route, false, false, true},
    Route{"POST", "/api/v1/admin/reload", reload_route, false, false, true},
    Route{"GET", "/api/v1/admin/config", show_config_route, false, false, true},
    Route{"POST", "/api/v1/admin/config/diff", config_difference_route, false, false, true},
    Route{"GET", "/openapi.json", openapi_route, true},
    Route{"GET", "/docs", docs_route, true},
    Route{"GET", "/health", health_route, true},
    Route{"GET", "/ready", ready_route, true},
    Route{"GET", "/health/detailed", health_detailed_route},
    Route{"GET", "/metrics", metrics_route},
};

/// Takes the next segment off the front of a path; empty at its end.
std::string_view take_segment(std::string_view& path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

/// Whether the pattern is that of the path.
bool fits(std::string_view pattern, std::span<const std::string_view> segments) {
  for (const std::string_view segment : segments) {
    const std::string_view expected = take_segment(pattern);
    if (expected.empty() || (expected != "{}" && expected != segment)) return false;
  }
  return take_segment(pattern).empty();
}

/// What stands for each {} of a pattern that fits.
std::vector<std::string> parameters_of(std::string_view pattern,
                                       std::span<const std::string_view> segments) {
  std::vector<std::string> found;
  for (const std::string_view segment : segments) {
    if (take_segment(pattern) == "{}") found.emplace_back(segment);
  }
  return found;
}

void allow(std::string& list, const char* method) {
  if (!list.empty()) list += ", ";
  list += method;
  if (std::string_view(method) == "GET") list += ", HEAD";
}

}  // namespace

std::span<const Route> routes() { return kRoutes; }

std::vector<std::string_view> path_segments(std::string_view path) {
  // Empty segments are left out because old clients put a base URL with a slash at its end before
  // their paths.
  std::vector<std::string_view> segments;
  segments.reserve(8);
  for (std::string_view segment = take_segment(path); !segment.empty();
       segment = take_segment(path)) {
    segments.push_back(segment);
  }
  if (!segments.empty() && segments.front() == "v1") segments.erase(segments.begin());
  return segments;
}

RouteMatch match_route(std::string_view method, std::string_view path,
                       std::vector<std::string>& parameters) {
  const std::vector<std::string_view> segments = path_segments(path);
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  RouteMatch match;
  match.admin =
      segments.size() >= 3 && segments[0] == "api" && segments[1] == "v1" && segments[2] == "admin";
  for (const Route& route : kRoutes) {
    if (!fits(route.pattern, segments)) continue;
    match.known = true;
    if (route.method == wanted) {
      match.route = &route;
      match.pattern = route.pattern;
      match.open = route.open;
      parameters = parameters_of(route.pattern, segments);
      return match;
    }
    match.pattern = route.pattern;
    allow(match.allowed, route.method);
    match.open = match.open || (route.open && std::string_view(route.method) == "GET");
  }
  return match;
}

}  // namespace podium
