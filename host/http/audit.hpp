#pragma once
#include <exception>
#include <memory>
#include <string>

#include "base/sha256.hpp"
#include "http/exchange.hpp"

namespace podium {

/// What a run was asked to be, as far as the audit trail tells it. Small: waiting requests hold it.
struct RunFacts {
  EpochMs time = 0;
  Sha256Digest code_sha256{};
  std::string user_id, entity_id, language;
  std::uint64_t code_bytes = 0;
  std::uint32_t files = 0, arguments = 0;
  std::optional<milliseconds> timeout;
};

/// The facts of a command; large code is hashed on the pool.
Task<std::unique_ptr<const RunFacts>> facts_of(Exchange& exchange, const ExecCommand& command);

/// Whose request began a run.
struct Asker {
  std::string request_id, peer, principal;
  bool left = false;  ///< the client, before it had its answer
};
Asker asker_of(Exchange& exchange);

/// The line of a run that has ended: with its result, or with the error that it ended with.
AuditRecord audit_line(const Asker& asker, const Config& config, const RunFacts& facts,
                       const ExecResult* result, std::exception_ptr error);

/// One thing that an administrator does, for the audit trail: who asked, from where, for what, and
/// how it came out. Told once; what is added to it must hold no secret. I/O thread.
class AdminAction {
 public:
  /// `action` is "key.create" and the like, `target` what it is done to.
  AdminAction(Exchange& exchange, std::string action, std::string target);

  /// For what is to be told besides.
  Json& entry() noexcept { return entry_; }
  /// It came out as `status` says. Before the answer: a client that leaves changes nothing.
  void came_out(const std::string& status);
  /// Nothing came of it, unless it has come out already.
  void failed(const std::exception_ptr& error);

 private:
  Exchange& exchange_;
  EpochMs time_ = epoch_ms_now();
  Json entry_;
  bool told_ = false;
};

/// Does `work` as `action`, which tells also what it throws. `action` outlives the call.
Task<> audited(AdminAction& action, Task<> work);

/// What a reload's report (see to_json) says for the trail: names of what changed, no values.
void add_reload(Json& entry, const Json& report);

/// The line of a reload that a signal asked for.
AuditRecord signalled_reload(EpochMs asked, const Json& report);

}  // namespace podium
