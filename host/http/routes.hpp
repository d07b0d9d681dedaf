#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exec/async.hpp"

namespace podium {

class Exchange;

/// One row of the table. Every pattern is served bare and under /v1.
struct Route {
  const char* method;   ///< GET answers HEAD too
  const char* pattern;  ///< "/files/{}": {} is one segment, kept as sent
  Task<> (*handle)(Exchange&);
  bool open = false;       ///< no key is asked for
  bool body_key = false;   ///< the key may stand in the body: the handler authenticates
  bool admin = false;      ///< for the administrator's key only
  bool admin_too = false;  ///< the administrator's key opens it as well: Exchange::sees_all
};

std::span<const Route> routes();

/// The segments of a path, empty ones left out, without a leading "v1". They point into it.
std::vector<std::string_view> path_segments(std::string_view path);

/// What a path comes to.
struct RouteMatch {
  const Route* route = nullptr;  ///< of this method; nullptr: see allowed
  bool known = false;            ///< the path exists, with other methods perhaps
  bool open = false;             ///< one of its rows asks for no key
  bool admin = false;            ///< lies below /api/v1/admin
  const char* pattern = "none";
  std::string allowed;  ///< for the Allow header
};
RouteMatch match_route(std::string_view method, std::string_view path,
                       std::vector<std::string>& parameters);

// The handlers, by file.
Task<> exec_route(Exchange& exchange);
Task<> exec_stream_route(Exchange& exchange);
Task<> exec_ws_route(Exchange& exchange);
Task<> tool_route(Exchange& exchange);
Task<> cancel_tool_route(Exchange& exchange);
Task<> list_runs_route(Exchange& exchange);
Task<> show_run_route(Exchange& exchange);
Task<> cancel_run_route(Exchange& exchange);
Task<> run_events_route(Exchange& exchange);
Task<> upload_route(Exchange& exchange);
Task<> upload_batch_route(Exchange& exchange);
Task<> list_files_route(Exchange& exchange);
Task<> delete_file_route(Exchange& exchange);
Task<> object_route(Exchange& exchange);
Task<> download_route(Exchange& exchange);
Task<> download_options_route(Exchange& exchange);
Task<> list_keys_route(Exchange& exchange);
Task<> create_key_route(Exchange& exchange);
Task<> show_key_route(Exchange& exchange);
Task<> change_key_route(Exchange& exchange);
Task<> delete_key_route(Exchange& exchange);
Task<> audit_route(Exchange& exchange);
Task<> backup_route(Exchange& exchange);
Task<> reload_route(Exchange& exchange);
Task<> show_config_route(Exchange& exchange);
Task<> config_difference_route(Exchange& exchange);
Task<> openapi_route(Exchange& exchange);
Task<> docs_route(Exchange& exchange);
Task<> health_route(Exchange& exchange);
Task<> ready_route(Exchange& exchange);
Task<> health_detailed_route(Exchange& exchange);
Task<> metrics_route(Exchange& exchange);
Task<> page_route(Exchange& exchange);
Task<> page_asset_route(Exchange& exchange);
Task<> page_start_route(Exchange& exchange);

}  // namespace podium
