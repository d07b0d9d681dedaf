#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exec/world.hpp"

namespace podium {
namespace {

using test::World;
using testing::ElementsAre;
using testing::IsEmpty;

class Files : public World {
 protected:
  FileRecord file_of_old_session() {
    const SessionRecord old{new_id(), "me", "", 1000, 1000};
    FileRecord file;
    file.id = new_id();
    file.name = "a";
    file.blob = new_id();
    file.session = old.id;
    sessions.commit(old, {file});
    return file;
  }
  Task<std::string> whole(Principal who, std::string id) {
    Download download = co_await service().open(generation(), who, std::move(id));
    std::string all;
    while (all.size() < download.file.size) {
      const Bytes left = download.file.size - all.size();
      all += co_await download.piece(all.size(), std::min<Bytes>(left, 3));
    }
    co_return all;
  }
  Task<Download> opened(std::string id) {
    co_return co_await service().open(generation(), me, std::move(id));
  }
  Task<FileRecord> removed(Principal who, std::string id, FileScope scope = {}) {
    co_return co_await service().remove(generation(), who, std::move(id), std::move(scope));
  }
  const Principal other{"somebody else"};
};

TEST_F(Files, AreListedForTheirOwnerOnly) {
  const FileRecord file = upload("a.txt", "1");

  ASSERT_EQ(get(service().list(me, file.session)).size(), 1u);
  EXPECT_EQ(get(service().list(me, file.session))[0].id, file.id);
  EXPECT_THAT(get(service().list(other, file.session)), IsEmpty());
  EXPECT_THAT(get(service().list(me, new_id())), IsEmpty());
  EXPECT_THAT(get(service().list(me, "../x")), IsEmpty());
}

TEST_F(Files, OfAnAgentAreReadByItsTenantAndDeletedByTheirOwnerOnly) {
  const Principal author{"author", "acme"}, reader{"reader", "acme"};
  UploadForm form;
  form.kind = "agent";
  form.resource_id = "a1";
  const FileRecord file = upload("shared.txt", "1", form, author);
  const FileScope scope{"agent", "a1", ""};

  EXPECT_EQ(get(service().find(reader, file.id, scope)).name, "shared.txt");
  EXPECT_EQ(ended(removed(reader, file.id, scope))->code(), Code::kForbidden);
  EXPECT_EQ(get(service().find(author, file.id)).id, file.id) << "it is still there";
  EXPECT_EQ(get(removed(author, file.id, scope)).id, file.id);
}

TEST_F(Files, AreFoundByTheirIdForTheirOwnerOnly) {
  const FileRecord file = upload("a.txt", "1");

  EXPECT_EQ(get(service().find(me, file.id)).name, "a.txt");
  EXPECT_EQ(ended(service().find(other, file.id))->code(), Code::kNotFound);
  EXPECT_EQ(ended(service().find(me, new_id()))->code(), Code::kNotFound);
  EXPECT_EQ(ended(service().find(me, "..%2f"))->message(), "File not found");
}

TEST_F(Files, OfAnAgentAreSharedWithinItsTenantByWhoNamesIt) {
  const Principal author{"author", "acme"}, reader{"reader", "acme"}, outsider{"out", "acme2"};
  const FileRecord file = upload("a.txt", "1", {"", "agent", "agent-1", "", false}, author);
  const FileScope named{"agent", "agent-1", ""};

  EXPECT_EQ(get(service().find(reader, file.id, named)).id, file.id);
  EXPECT_EQ(get(service().list(reader, file.session, named)).size(), 1u);
  for (const FileScope& scope :
       {FileScope{}, FileScope{"agent", "agent-10", ""}, FileScope{"agent", "agent-", ""},
        FileScope{"skill", "agent-1", ""}, FileScope{"user", "author", ""}}) {
    EXPECT_EQ(ended(service().find(reader, file.id, scope))->code(), Code::kNotFound) << scope.kind;
    EXPECT_THAT(get(service().list(reader, file.session, scope)), IsEmpty());
  }
  EXPECT_EQ(ended(service().find(outsider, file.id, named))->code(), Code::kNotFound);
}

TEST_F(Files, OfAUserAreNotSharedWithinATenant) {
  const Principal author{"author", "acme"}, reader{"reader", "acme"};
  const FileRecord file = upload("a.txt", "1", {"", "user", "author", "", false}, author);

  EXPECT_EQ(ended(service().find(reader, file.id, {"user", "author", ""}))->code(),
            Code::kNotFound);
}

TEST_F(Files, AreNotFoundUnderAnotherKindOrIdThanTheirOwn) {
  const FileRecord file = upload("a.txt", "1", {"", "user", "user-1", "", false});

  EXPECT_EQ(get(service().find(me, file.id)).id, file.id);
  EXPECT_EQ(get(service().find(me, file.id, {"user", "user-1", ""})).id, file.id);
  EXPECT_EQ(get(service().find(me, file.id, {"user", file.id, ""})).id, file.id);
  EXPECT_EQ(ended(service().find(me, file.id, {"user", "user-2", ""}))->code(), Code::kNotFound);
  EXPECT_EQ(ended(service().find(me, file.id, {"agent", "user-1", ""}))->code(), Code::kNotFound);
}

TEST_F(Files, StayAliveWhenTheyAreListed) {
  const FileRecord file = file_of_old_session();

  get(service().list(me, file.session));

  EXPECT_GT(sessions.find_session(file.session)->used, 1000);
}

TEST_F(Files, StayAliveWhenTheyAreAskedFor) {
  const FileRecord file = file_of_old_session();

  get(service().find(me, file.id));

  until([&] { return sessions.find_session(file.session)->used > 1000; });
}

TEST_F(Files, AreReadInPiecesFromEitherKindOfStorage) {
  const FileRecord file = upload("a.txt", "0123456789");

  EXPECT_EQ(get(whole(me, file.id)), "0123456789");
  storage->local = false;
  EXPECT_EQ(get(whole(me, file.id)), "0123456789");
  EXPECT_EQ(ended(whole(other, file.id))->code(), Code::kNotFound);
}

TEST_F(Files, AreReadAsAWhole) {
  const FileRecord file = upload("a.txt", "0123456789");
  for (const bool local : {true, false}) {
    storage->local = local;
    const Download download = get(opened(file.id));
    std::string read;

    download.read(2, 5, [&](std::string_view bytes) {
      read += bytes;
      return true;
    });

    EXPECT_EQ(read, "23456");
    EXPECT_THROW(download.read(0, 5, [](std::string_view) { return false; }), Failure);
  }
}

TEST_F(Files, AreNotFoundWhenTheirContentIsGone) {
  const FileRecord file = upload("a.txt", "1");
  std::filesystem::remove(storage->path(file.blob));

  EXPECT_EQ(ended(opened(file.id))->code(), Code::kNotFound);
  storage->local = false;
  EXPECT_EQ(ended(opened(file.id))->code(), Code::kNotFound);
}

TEST_F(Files, CanBeReadToTheEndWhileTheyAreRemoved) {
  const FileRecord file = upload("a.txt", "0123456789");
  const Download download = get(opened(file.id));

  get(removed(me, file.id));
  until([&] { return storage->keys().empty(); });

  EXPECT_EQ(get(download.piece(0, 10)), "0123456789");
}

TEST_F(Files, AreRemovedWithTheirContentByTheirOwnerOnly) {
  const FileRecord file = upload("a.txt", "1");

  EXPECT_EQ(ended(removed(other, file.id))->code(), Code::kNotFound);
  EXPECT_EQ(get(removed(me, file.id)).name, "a.txt");
  EXPECT_EQ(ended(removed(me, file.id))->code(), Code::kNotFound);
  until([&] { return storage->keys().empty(); });
}

}  // namespace
}  // namespace podium
