#include "contract.hpp"

namespace podium::test {

namespace {

StorageCase local(const char* name, bool fsync) {
  return {name, [fsync](const std::filesystem::path& scratch) {
            return std::make_unique<Subject>(
                PODIUM_LOCAL_PLUGIN,
                std::vector<OptionValue>{{"root", PODIUM_STRING, scratch / "blobs"},
                                         {"fsync", PODIUM_BOOLEAN, {}, fsync},
                                         {"low_space", PODIUM_SIZE, {}, 0}});
          }};
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Local, StorageContract,
                         testing::Values(local("Durable", true), local("Unsynced", false)),
                         case_name);

}  // namespace podium::test
