#include "exec/ownership.hpp"

namespace podium {

bool may_use(const Principal& principal, const FileRecord& file, const FileScope& scope) noexcept {
  const bool file_says = !file.kind.empty() && !file.resource.empty();
  // Clients that do not know what a file belongs to put the file's own id there.
  const bool scope_says =
      !scope.kind.empty() && !scope.resource.empty() && scope.resource != file.id;
  const bool same = scope.kind == file.kind && scope.resource == file.resource;
  if (file.principal == principal.id) return !file_says || !scope_says || same;
  const bool shared = file.kind == "agent" || file.kind == "skill";
  return shared && file_says && scope_says && same && !principal.tenant.empty() &&
         file.tenant == principal.tenant;
}

}  // namespace podium
