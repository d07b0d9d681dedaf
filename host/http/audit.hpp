#pragma once
#include <exception>
#include <memory>
#include <string>

#include "http/exchange.hpp"

namespace podium {

/// What a run was asked to be, as far as the audit trail tells it. Small: waiting requests hold it.
struct RunFacts {
  EpochMs time = 0;
  std::string code_sha256, user_id, entity_id, language;
  std::uint64_t code_bytes = 0;
  std::uint32_t files = 0, arguments = 0;
  std::optional<milliseconds> timeout;
};

/// The facts of a command; large code is hashed on the pool.
Task<std::unique_ptr<const RunFacts>> facts_of(Exchange& exchange, const ExecCommand& command);

/// The line of a run that has ended: with its result, or with the error that it ended with.
AuditRecord audit_line(Exchange& exchange, const RunFacts& facts, const ExecResult* result,
                       std::exception_ptr error);

}  // namespace podium
