#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/failure.hpp"
#include "session/store.hpp"
#include "support/temp_folder.hpp"

namespace podium {

inline SessionRecord session_of(const std::string& id, EpochMs used = 1000) {
  return {id, "alice", "agent", 500, used};
}

inline FileRecord file_of(const std::string& id, const std::string& session,
                          const std::string& name, EpochMs created = 1000) {
  FileRecord file;
  file.id = id;
  file.session = session;
  file.name = name;
  file.blob = "blob-" + id;
  file.sha256 = std::string(64, 'a');
  file.size = 5;
  file.origin = "upload";
  file.created = created;
  return file;
}

inline std::vector<std::string> ids(const std::vector<FileRecord>& files) {
  std::vector<std::string> out;
  for (const FileRecord& file : files) out.push_back(file.id);
  return out;
}

template <class Call>
Failure failure_of(Call call) {
  try {
    call();
  } catch (const Failure& failure) {
    return failure;
  }
  ADD_FAILURE() << "nothing was thrown";
  return {Code::kInternal, ""};
}

class SessionStoreTest : public testing::Test {
 protected:
  std::filesystem::path file() const { return scratch_.path() / "podium.db"; }
  SessionStore& store() { return *store_; }
  void reopen() {
    store_.reset();
    store_ = std::make_unique<SessionStore>(file());
  }

 private:
  test::TempFolder scratch_;
  std::unique_ptr<SessionStore> store_ = std::make_unique<SessionStore>(file());
};

}  // namespace podium
