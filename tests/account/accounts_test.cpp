#include "account/accounts.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/failure.hpp"
#include "base/fd.hpp"
#include "base/sha256.hpp"
#include "policy/signed_token.hpp"
#include "session/store.hpp"
#include "support/temp_folder.hpp"

namespace podium {
namespace {

using testing::ElementsAre;

constexpr EpochMs kNow = 1'769'860'800'000;

class AccountsTest : public testing::Test {
 protected:
  KeyConfig entry(const std::string& id) {
    KeyConfig key;
    key.id = id;
    return key;
  }
  static AuditRecord line(EpochMs time, const std::string& principal) {
    return {time, principal, Json::object({{"status", "completed"}})};
  }
  template <class F>
  Code failure_of(F what) {
    try {
      what();
    } catch (const Failure& failure) {
      return failure.code();
    }
    return Code::kInternal;
  }

  test::TempFolder folder;
  UniqueFd quiet{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  Log log{quiet.get()};
  SessionStore sessions{folder.path() / "podium.db"};
  Snapshot<KeyRing> ring;
  Accounts accounts{sessions, ring, log};
};

TEST_F(AccountsTest, AKeyThatWasMadeIsValidAtOnceAndKeptAsItsDigest) {
  KeyConfig asked = entry("chat");
  asked.quota = QuotaConfig{0, 60, 0, 0, 0, 2};
  asked.tenant = "acme";

  const NewKey made = accounts.keys.create(asked);

  ASSERT_NE(ring.get()->find(made.key), nullptr);
  EXPECT_EQ(ring.get()->find(made.key)->id, "chat");
  EXPECT_EQ(made.entry.sha256, sha256_hex(made.key));
  const std::vector<KeyConfig> kept = AccountStore(sessions).keys();
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].sha256, sha256_hex(made.key));
  EXPECT_EQ(kept[0].tenant, "acme");
  EXPECT_EQ(kept[0].quota, asked.quota);
  for (const char* name : {"podium.db", "podium.db-wal"}) {
    std::ifstream file(folder.path() / name);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(bytes.find(made.key), bytes.npos) << "the key itself is kept nowhere";
  }
}

TEST_F(AccountsTest, KeysAreDisabledChangedAndRemoved) {
  const std::string key = accounts.keys.create(entry("chat")).key;

  accounts.keys.change("chat", [](KeyConfig& each) { each.disabled = true; });
  EXPECT_TRUE(ring.get()->find(key)->disabled);
  accounts.keys.change(sha256_hex(key), [](KeyConfig& each) {
    each.disabled = false;
    each.id = "another";
  });
  EXPECT_EQ(ring.get()->find(key)->id, "chat") << "the id stays";
  accounts.keys.remove("chat");
  EXPECT_EQ(ring.get()->find(key), nullptr);
  EXPECT_EQ(failure_of([&] { accounts.keys.remove("chat"); }), Code::kNotFound);
  EXPECT_EQ(failure_of([&] { accounts.keys.find("ch"); }), Code::kNotFound);
}

TEST_F(AccountsTest, AnIdIsGivenOnce) {
  accounts.keys.create(entry("chat"));

  EXPECT_EQ(failure_of([&] { accounts.keys.create(entry("chat")); }), Code::kConflict);
  EXPECT_EQ(failure_of([&] { accounts.keys.create(entry("a b")); }), Code::kUnprocessable);
  EXPECT_EQ(failure_of([&] { accounts.keys.create(entry("token:acme/user")); }),
            Code::kUnprocessable);
}

TEST_F(AccountsTest, AKeyOfTheFileCanBeDisabledAndIsRemovedOnlyThere) {
  KeyConfig of_file = entry("first");
  of_file.sha256 = sha256_hex("sk-first");
  of_file.in_file = true;
  accounts.keys.reload(KeyRing({of_file}));

  accounts.keys.change("first", [](KeyConfig& each) { each.disabled = true; });

  EXPECT_TRUE(ring.get()->find("sk-first")->disabled);
  EXPECT_EQ(failure_of([&] { accounts.keys.remove("first"); }), Code::kConflict);
  EXPECT_EQ(failure_of([&] { accounts.keys.create(entry("first")); }), Code::kConflict);
  // The operator exchanges the key and keeps its id: the settings stay, the old key does not.
  of_file.sha256 = sha256_hex("sk-second");
  accounts.keys.reload(KeyRing({of_file}));
  EXPECT_EQ(ring.get()->find("sk-first"), nullptr);
  EXPECT_TRUE(ring.get()->find("sk-second")->disabled);
  accounts.keys.reload(KeyRing());
  EXPECT_TRUE(ring.get()->empty()) << "settings alone are no key";
}

TEST_F(AccountsTest, TheAdministratorsKeyOutlivesChanges) {
  KeyRing file;
  file.set_admin(sha256_hex("sk-admin"));
  accounts.keys.reload(std::move(file));

  const std::string key = accounts.keys.create(entry("chat")).key;

  EXPECT_TRUE(ring.get()->is_admin("sk-admin"));
  EXPECT_FALSE(ring.get()->is_admin(key));
  EXPECT_EQ(ring.get()->find("sk-admin"), nullptr);
}

TEST_F(AccountsTest, TheAuditTrailIsReadNewestFirstByPrincipalAndTime) {
  accounts.store.record({}, {line(1, "a"), line(2, "b"), line(3, "a")});

  const auto times = [&](const AuditQuery& query) {
    std::vector<EpochMs> found;
    for (const AuditRecord& each : accounts.store.audit(query)) found.push_back(each.time);
    return found;
  };
  EXPECT_THAT(times({}), ElementsAre(3, 2, 1));
  EXPECT_THAT(times({"a", 0, INT64_MAX, 100}), ElementsAre(3, 1));
  EXPECT_THAT(times({"", 2, 3, 100}), ElementsAre(2));
  EXPECT_THAT(times({"", 0, INT64_MAX, 1}), ElementsAre(3));
}

TEST_F(AccountsTest, OldLinesAreRemovedInPieces) {
  accounts.store.record({}, {line(1, "a"), line(2, "b"), line(3, "a")});

  EXPECT_EQ(accounts.store.remove_audit_before(3, 1), 1u);
  EXPECT_EQ(accounts.store.remove_audit_before(3, 10), 1u);
  EXPECT_EQ(accounts.store.remove_audit_before(3, 10), 0u);
  EXPECT_EQ(accounts.store.audit({}).size(), 1u);
}

TEST_F(AccountsTest, CountsSurviveARestart) {
  QuotaConfig quota;
  quota.day = 5;
  Ledger& ledger = accounts.ledger;
  for (int i = 0; i < 3; ++i) ledger.quotas.take("chat", quota, kNow).run->keep();
  const Ledger::Batch batch = ledger.take(kNow);
  accounts.store.record(batch.usage, batch.lines);

  Ledger next;
  next.restore(accounts.store.usage(), kNow);

  EXPECT_EQ(next.quotas.used("chat", Period::kDay, kNow), 3u);
  EXPECT_TRUE(next.take(kNow).empty());
}

TEST(LedgerTest, WhatCouldNotBeWrittenComesAgainUnlessSomethingNewerHas) {
  Ledger ledger;
  ledger.quotas.take("chat", {}, kNow).run->keep();
  ledger.audit({1, "chat", Json::object()});
  ledger.key_used("chat", kNow);
  Ledger::Batch batch = ledger.take(kNow);
  ledger.quotas.take("chat", {}, kNow).run->keep();
  ledger.audit({2, "chat", Json::object()});

  ledger.give_back(std::move(batch));

  const Ledger::Batch again = ledger.take(kNow);
  ASSERT_EQ(again.lines.size(), 2u);
  EXPECT_EQ(again.lines[0].time, 1);
  ASSERT_EQ(again.usage.size(), 3u);
  EXPECT_EQ(again.usage[0].runs, 2u);
  EXPECT_EQ(again.used.size(), 1u);
}

TEST(LedgerTest, KeepsTheNewestLinesWhenThereIsNoRoom) {
  Ledger ledger(2);
  for (EpochMs time = 1; time <= 5; ++time) ledger.audit({time, "chat", Json::object()});

  EXPECT_EQ(ledger.take_lost(), 3u);
  EXPECT_EQ(ledger.take_lost(), 0u);
  EXPECT_EQ(ledger.take(kNow).lines.at(0).time, 4);
}

TEST_F(AccountsTest, KeysOfTokensAreReadAgainWhenTheyChange) {
  const auto file = folder.path() / "jwks.json";
  const test::Issuer first("ED25519"), second("ED25519");
  const auto write = [&](const Json& keys) { std::ofstream(file) << json_dump(keys); };
  const auto set = [](const Json& key) { return Json::object({{"keys", Json(Json::Array{key})}}); };
  const auto is_good = [&](const test::Issuer& issuer, const char* kid) {
    try {
      accounts.tokens.keys()->verify(issuer.sign(Json::object({{"alg", "EdDSA"}, {"kid", kid}}),
                                                 test::good_claims(kNow / 1000)),
                                     {}, kNow);
      return true;
    } catch (const Failure&) {
      return false;
    }
  };
  write(set(first.jwk("first")));
  accounts.tokens.load(file);
  ASSERT_TRUE(is_good(first, "first"));

  write(set(second.jwk("second")));
  accounts.tokens.refresh();
  EXPECT_FALSE(is_good(first, "first"));
  EXPECT_TRUE(is_good(second, "second"));
  write(Json::object());
  accounts.tokens.refresh();
  EXPECT_TRUE(is_good(second, "second")) << "a broken file leaves the old keys valid";
  std::filesystem::remove(file);
  accounts.tokens.refresh();
  EXPECT_TRUE(is_good(second, "second"));
}

TEST(DegradedAccounts, KnowTheKeysOfTheFileAndCatchUpLater) {
  test::TempFolder folder;
  const auto path = folder.path() / "podium.db";
  std::string key;
  UniqueFd quiet(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  Log log{quiet.get()};
  Snapshot<KeyRing> ring;
  {
    SessionStore sessions(path);
    Accounts accounts(sessions, ring, log);
    KeyConfig entry;
    entry.id = "chat";
    key = accounts.keys.create(entry).key;
  }
  std::filesystem::rename(path, folder.path() / "away");
  std::filesystem::create_directory(path);  // no database can be there
  SessionStore sessions(path, SessionStore::Broken::kRetry);
  Accounts accounts(sessions, ring, log);
  KeyConfig first;
  first.id = "first";
  first.sha256 = sha256_hex("sk-first");

  accounts.keys.reload(KeyRing({first}));

  EXPECT_NE(ring.get()->find("sk-first"), nullptr);
  EXPECT_EQ(ring.get()->find(key), nullptr);
  EXPECT_THROW(accounts.keys.catch_up(), Failure);
  EXPECT_NE(sessions.trouble(), "");
}

}  // namespace
}  // namespace podium
