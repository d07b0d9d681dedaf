#pragma once
#include <sys/types.h>

#include <string>

#include "config/config.hpp"

namespace podium {

/// The account the daemon runs as.
struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name;
};

/// The configured account when started as root, otherwise the caller's own. Throws
/// Failure(kInvalidArgument) that says how to make it.
Account find_account(const Config& config);

/// Makes state_dir and its runs directory, private to the account. Throws Failure that names the
/// directory and what to do when it belongs to somebody else.
void prepare_state_dir(const Config& config, const Account& account);

/// Becomes the account for good: groups, identity, capabilities, no_new_privs. Throws Failure.
void drop_privileges(const Account& account);

/// Raises the limit of open descriptors as far as `wanted`, for good.
void raise_descriptor_limit(std::uint64_t wanted) noexcept;

}  // namespace podium
