#pragma once
#include "cli/client.hpp"
#include "cli/exec.hpp"

namespace podium::cli {

/// `podium keys`: asks the daemon's administration for what the options say. 0. Throws Failure.
int run_keys(const KeysOptions& options, const Client& client, Console& console);

/// `podium audit`: the newest lines of the audit trail, newest first. 0. Throws Failure.
/// Makes the daemon write a copy of its database and says where it is.
int run_backup(const Client& client, Console& console);
int run_audit(const AuditOptions& options, const Client& client, Console& console);

/// The body that changes a key as the options say; for tests.
Json key_changes(const KeysOptions& options);

}  // namespace podium::cli
