#pragma once
#include <podium/testing/loaded_storage.hpp>

#include <memory>
#include <string>

#include "minio_server.hpp"

namespace podium::test {

using sdk::testing::Listed;
using sdk::testing::LoadedStorage;
using sdk::testing::noise;
using sdk::testing::Outcome;
using sdk::testing::source_of;

/// The two servers that all tests share, started when they are first asked for: with TLS and
/// without. A test that does harm to a server starts one of its own.
MinioServer& shared_server(bool tls);

/// A storage on a server; `more` replaces options.
std::unique_ptr<LoadedStorage> open_storage(const MinioServer& server, const std::string& bucket,
                                            const std::map<std::string, std::string>& more = {});

/// A name for a bucket that no other test has.
std::string new_bucket();

/// The detail that the health check gives, and its state.
std::pair<std::uint32_t, std::string> health_of(LoadedStorage& storage, int deadline_ms = 5000);

}  // namespace podium::test
