#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "subject.hpp"
#include "temp_folder.hpp"

namespace podium::test {

/// A storage that the contract suite runs against.
struct StorageCase {
  std::string name;  ///< of the case, [A-Za-z0-9]
  /// Opens the storage that belongs to `scratch`; opened again it has what it had.
  std::function<std::unique_ptr<Subject>(const std::filesystem::path& scratch)> open;
};

/// What every storage must do. A backend takes part with
/// INSTANTIATE_TEST_SUITE_P(Name, StorageContract, testing::Values(case), case_name).
class StorageContract : public testing::TestWithParam<StorageCase> {
 protected:
  void SetUp() override { storage_ = GetParam().open(scratch_.path()); }
  void reopen() {
    storage_.reset();
    storage_ = GetParam().open(scratch_.path());
  }
  Subject& storage() { return *storage_; }
  std::string content(std::string_view key) {
    std::string out;
    const Outcome outcome = storage_->get(key, out);
    EXPECT_TRUE(outcome.ok()) << outcome.message;
    return out;
  }

 private:
  TempFolder scratch_;
  std::unique_ptr<Subject> storage_;
};

inline std::string case_name(const testing::TestParamInfo<StorageCase>& info) {
  return info.param.name;
}

}  // namespace podium::test
