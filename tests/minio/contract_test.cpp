#include <podium/testing/storage_contract.hpp>

#include "servers.hpp"

namespace podium::sdk::testing {

namespace {

/// The bucket of a scratch folder, so that opened again the storage has what it had.
StorageCase minio(const char* name, bool tls, std::map<std::string, std::string> more) {
  return {name, [tls, more](const std::filesystem::path& scratch) {
            std::string bucket = scratch.filename().native();
            for (char& c : bucket) c = c == '_' ? '-' : static_cast<char>(std::tolower(c));
            return test::open_storage(test::shared_server(tls), bucket, more);
          }};
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Minio, StorageContract,
                         ::testing::Values(minio("Plain", false, {}),
                                           minio("TlsAndPrefix", true,
                                                 {{"prefix", "some/where/"}})),
                         case_name);

}  // namespace podium::sdk::testing
