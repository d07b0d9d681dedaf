#pragma once
#include "exec/command.hpp"
#include "policy/auth.hpp"

namespace podium {

/// Whether a principal may use a file that it names under `scope`.
///
/// Its own files, unless file and scope both say what they belong to and differ. A file of an agent
/// or a skill also for the other principals of its tenant, when they name exactly that kind and id.
/// Identities are compared whole.
bool may_use(const Principal& principal, const FileRecord& file, const FileScope& scope) noexcept;

}  // namespace podium
