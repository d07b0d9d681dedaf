#pragma once
/// What every storage must do, as GoogleTest cases, for the tests of any storage plugin. Link
/// podium::storage_contract, and in one source file:
///
///     INSTANTIATE_TEST_SUITE_P(Mine, StorageContract,
///                              testing::Values(StorageCase{"Plain", open_mine}), case_name);

#include <gtest/gtest.h>
#include <podium/sdk/testing/fake_host.hpp>
#include <podium/testing/loaded_storage.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace podium::sdk::testing {

/// A storage that the contract suite runs against.
struct StorageCase {
  std::string name;  ///< of the case, [A-Za-z0-9]
  /// Opens the storage that belongs to `scratch`; opened again it has what it had.
  std::function<std::unique_ptr<LoadedStorage>(const std::filesystem::path& scratch)> open;
};

class StorageContract : public ::testing::TestWithParam<StorageCase> {
 protected:
  void SetUp() override;
  void reopen() {
    storage_.reset();
    storage_ = GetParam().open(scratch_.path());
  }
  LoadedStorage& storage() { return *storage_; }
  std::string content(std::string_view key) {
    std::string out;
    const Outcome outcome = storage_->get(key, out);
    EXPECT_TRUE(outcome.ok()) << outcome.message;
    return out;
  }

 private:
  TempDir scratch_;
  std::unique_ptr<LoadedStorage> storage_;
};

/// The name of a case, for INSTANTIATE_TEST_SUITE_P. Not inline: it is what makes a linker take the
/// cases out of the library.
std::string case_name(const ::testing::TestParamInfo<StorageCase>& info);

}  // namespace podium::sdk::testing
