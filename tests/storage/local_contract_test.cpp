#include <podium/testing/storage_contract.hpp>

namespace podium::sdk::testing {

namespace {

StorageCase local(const char* name, const char* fsync) {
  return {name, [fsync](const std::filesystem::path& scratch) {
            return std::make_unique<LoadedStorage>(
                PODIUM_LOCAL_PLUGIN,
                std::map<std::string, std::string>{{"root", scratch / "blobs"}, {"fsync", fsync}});
          }};
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Local, StorageContract,
                         ::testing::Values(local("Durable", "true"), local("Unsynced", "false")),
                         case_name);

}  // namespace podium::sdk::testing
