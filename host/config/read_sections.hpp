#pragma once
#include "config/config.hpp"
#include "config/section.hpp"

namespace podium {

/// The sections of a config file, one function each, in read_sections.cpp and read_languages.cpp.
/// All throw Failure(kInvalidArgument) with the member's path.
void read_listen(Section section, HttpConfig& out);
void read_tls(Section section, TlsConfig& out);
void read_http(Section section, HttpConfig& out);
void read_admission(Section section, AdmissionConfig& out);
void read_sessions(Section section, SessionConfig& out);
void read_outputs(Section section, OutputFilesConfig& out);
void read_input_cache(Section section, InputCacheConfig& out);
void read_auth(Section section, AuthConfig& out);
void read_quotas(Section section, QuotaConfig& out);
void read_audit(Section section, AuditConfig& out);
void read_sandbox(Section section, SandboxConfig& out);
void read_log(Section section, LogConfig& out);
void read_limits(Section section, Limits& out);
/// An object with factors for some of the limits, e.g. {"wall": 2}; the results are rounded.
void multiply_limits(Section section, Limits& limits);
/// Paths of the host to show in the sandbox: absolute, without "." and "..".
void read_shown_paths(Section& section, std::string_view key, std::vector<std::string>& out);
void read_routes(const Json& value, std::map<std::string, RouteConfig>& out, OptionTable* table);
void read_plugins(const Json& value, std::vector<PluginConfig>& out, OptionTable* table);
/// `limits` are those of the top level, which each language starts from.
void read_languages(const Json& value, const Limits& limits, std::vector<LanguageConfig>& out,
                    OptionTable* table);

}  // namespace podium
