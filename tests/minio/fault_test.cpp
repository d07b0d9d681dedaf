/// What a real store does when something is wrong with it, with us, or between us.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <future>
#include <set>

#include "servers.hpp"
#include "support/stalls.hpp"

namespace podium::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using Clock = std::chrono::steady_clock;

/// Gives `content` and calls `at_half` once, in the middle.
sdk::testing::TestSource with_event_at_half(const std::string& content,
                                            std::function<void()> at_half) {
  return [inner = source_of(content, 256 * 1024), given = std::size_t{0}, half = content.size() / 2,
          at_half = std::move(at_half)](char* buffer, std::size_t capacity) mutable {
    const std::int64_t count = inner(buffer, capacity);
    given += static_cast<std::size_t>(count);
    if (at_half && given >= half) std::exchange(at_half, nullptr)();
    return count;
  };
}

class Faults : public testing::TestWithParam<bool> {
 protected:
  const std::string bucket = new_bucket();
};

INSTANTIATE_TEST_SUITE_P(Minio, Faults, testing::Bool(),
                         [](const auto& one) { return one.param ? "Tls" : "Plain"; });

TEST_P(Faults, AWrongSecretIsNamed) {
  const auto storage =
      open_storage(shared_server(GetParam()), bucket, {{"secret_key", "not the secret"}});

  const Outcome put = storage->put("key", "content");
  const auto [state, detail] = health_of(*storage);

  EXPECT_EQ(put.code, PODIUM_UNAVAILABLE);
  EXPECT_THAT(put.message, HasSubstr("the secret key is not the one of the access key "
                                     "podium-tests; check secret_key"));
  EXPECT_THAT(put.message, Not(HasSubstr("not the secret")));
  EXPECT_EQ(state, std::uint32_t{PODIUM_UNHEALTHY});
  EXPECT_THAT(detail, HasSubstr("check secret_key"));
}

TEST_P(Faults, AnUnknownAccessKeyIsNamed) {
  const auto storage = open_storage(shared_server(GetParam()), bucket, {{"access_key", "nobody"}});

  EXPECT_THAT(storage->put("key", "content").message,
              HasSubstr("the store does not know the access key nobody"));
}

TEST_P(Faults, AMissingBucketIsNamedWhenItMayNotBeMade) {
  const auto storage =
      open_storage(shared_server(GetParam()), bucket, {{"create_bucket", "false"}});
  std::string out;

  EXPECT_THAT(storage->put("key", "content").message,
              HasSubstr("there is no bucket " + bucket + "; make it, or set create_bucket"));
  EXPECT_THAT(storage->get("key", out).message, HasSubstr("there is no bucket " + bucket));
  EXPECT_EQ(storage->get("key", out).code, PODIUM_UNAVAILABLE);
  EXPECT_THAT(health_of(*storage).second, HasSubstr("there is no bucket"));
}

TEST_P(Faults, ASecretThatIsInNoMessageNorLog) {
  const auto storage = open_storage(shared_server(GetParam()), bucket, {});
  storage->put("key", "content");
  for (const std::string& line : storage->log()) {
    EXPECT_THAT(line, Not(HasSubstr(MinioServer::kSecretKey)));
  }
  EXPECT_THAT(health_of(*storage).second, Not(HasSubstr(MinioServer::kSecretKey)));
}

TEST_P(Faults, AThousandAndMoreObjectsAreListed) {
  const auto storage = open_storage(shared_server(GetParam()), bucket);
  std::vector<std::future<int>> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.push_back(std::async(std::launch::async, [&, writer] {
      int failed = 0;
      for (int i = writer; i < 1100; i += 4) {
        failed += !storage->put("object/" + std::to_string(i), std::to_string(i)).ok();
      }
      return failed;
    }));
  }
  for (auto& writer : writers) ASSERT_EQ(writer.get(), 0);

  const std::vector<std::string> keys = storage->keys("object/");

  EXPECT_EQ(keys.size(), 1100u);
  EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), 1100u);
}

TEST_P(Faults, ASkewedClockIsNamed) {
  // The same program again (see main), with a clock that is an hour ahead.
  MinioServer& server = shared_server(GetParam());
  const std::string command = "PODIUM_SKEW_ENDPOINT=" + server.endpoint() +
                              " PODIUM_SKEW_CA=" + (GetParam() ? server.ca_file().native() : "") +
                              " DONT_FAKE_MONOTONIC=1 faketime -f +3600s " +
                              std::filesystem::read_symlink("/proc/self/exe").native();

  EXPECT_THAT(run_command(command),
              testing::ContainsRegex("the clocks of this machine and of the store differ too "
                                     "much: this one is (3599|3600|3601) s ahead"));
}

TEST(VirtualHost, TheOtherStyleIsUnderstoodToo) {
  // The same program again, where the bucket's host has an address.
  sdk::testing::TempDir folder;
  const auto hosts = folder.path() / "hosts";
  std::ofstream(hosts) << "127.0.0.1 localhost virtual-style.localhost\n";
  const std::string command = "PODIUM_VIRTUAL_ENDPOINT=" + shared_server(false).endpoint() +
                              " unshare --mount sh -c 'mount --bind " + hosts.native() +
                              " /etc/hosts && exec " +
                              std::filesystem::read_symlink("/proc/self/exe").native() + "'";

  EXPECT_EQ(run_command(command), "it came back\n");
}

TEST_P(Faults, AServerKilledInTheMiddleOfAnUploadLeavesNothingOfIt) {
  MinioServer server(GetParam());
  const auto storage = open_storage(server, bucket, {{"attempts", "2"}});
  ASSERT_TRUE(storage->put("before", "kept").ok());
  const std::string content = noise(40'000'000, 1);

  const Outcome put = storage->put("half", with_event_at_half(content, [&] { server.kill(); }),
                                   static_cast<std::int64_t>(content.size()));
  server.start();

  EXPECT_EQ(put.code, PODIUM_UNAVAILABLE) << put.message;
  // It knows that the store was down, and looks again two seconds later at the latest.
  const auto end = Clock::now() + std::chrono::seconds(20);
  while (!storage->put("after", "content").ok() && Clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_EQ(storage->keys(), (std::vector<std::string>{"after", "before"}));
}

TEST_P(Faults, AServerThatComesBackInTheMiddleOfAnUploadGetsTheWhole) {
  MinioServer server(GetParam());
  const auto storage = open_storage(server, bucket, {{"attempts", "15"}});
  ASSERT_TRUE(storage->put("before", "kept").ok());
  const std::string content = noise(40'000'000, 1);

  const Outcome put = storage->put("whole", with_event_at_half(content, [&] {
                                     server.kill();
                                     server.start();
                                   }));
  std::string out;

  ASSERT_TRUE(put.ok()) << put.message;
  ASSERT_TRUE(storage->get("whole", out).ok());
  EXPECT_TRUE(out == content);
}

TEST_P(Faults, AServerKilledInTheMiddleOfADownloadIsAskedForTheRestWhenItIsBack) {
  MinioServer server(GetParam());
  const auto storage = open_storage(server, bucket, {{"attempts", "15"}});
  const std::string content = noise(60'000'000, 1);
  ASSERT_TRUE(storage->put("key", content).ok());
  std::string out;
  bool killed = false;

  const Outcome get = storage->get("key", [&](std::string_view chunk) {
    out += chunk;
    if (out.size() > 20'000'000 && !std::exchange(killed, true)) {
      server.kill();
      server.start();
    }
    return true;
  });

  ASSERT_TRUE(get.ok()) << get.message;
  EXPECT_TRUE(killed);
  EXPECT_TRUE(out == content);
}

TEST_P(Faults, AServerKilledForGoodInTheMiddleOfADownloadIsTold) {
  MinioServer server(GetParam());
  const auto storage = open_storage(server, bucket, {{"attempts", "2"}});
  const std::string content = noise(60'000'000, 1);
  ASSERT_TRUE(storage->put("key", content).ok());
  std::size_t taken = 0;

  const Outcome get = storage->get("key", [&](std::string_view chunk) {
    taken += chunk.size();
    if (taken > 20'000'000) server.kill();
    return true;
  });

  EXPECT_EQ(get.code, PODIUM_UNAVAILABLE);
  EXPECT_THAT(get.message, HasSubstr("reading 'key'"));
  EXPECT_LT(taken, content.size());
}

TEST_P(Faults, AServerThatSaysNothingIsGivenUpInTimeAndThenTheRestAreToldAtOnce) {
  MinioServer server(GetParam());
  const auto storage =
      open_storage(server, bucket, {{"timeout", "300ms"}, {"connect_timeout", "300ms"}});
  ASSERT_TRUE(storage->put("key", "content").ok());
  server.freeze();

  const Stalls stalls;
  const auto began = Clock::now();
  const Outcome first = storage->put("first", "content");
  const auto asked = Clock::now();
  const Outcome second = storage->put("second", "content");
  const auto told = Clock::now();
  const auto [state, detail] = health_of(*storage, 500);
  const auto checked = Clock::now();
  server.thaw();

  EXPECT_EQ(first.code, PODIUM_UNAVAILABLE);
  EXPECT_LT(asked - began, std::chrono::seconds(5) + stalls.lost());
  EXPECT_EQ(second.code, PODIUM_UNAVAILABLE);
  EXPECT_THAT(second.message, HasSubstr("the store has not answered for "));
  EXPECT_LT(told - asked, std::chrono::milliseconds(100) + stalls.lost());
  EXPECT_EQ(state, std::uint32_t{PODIUM_UNHEALTHY});
  EXPECT_LT(checked - told, std::chrono::milliseconds(900) + stalls.lost());
}

TEST_P(Faults, AFullDiskIsToldAsOne) {
  sdk::testing::TempDir folder;
  const auto disk = folder.path() / "disk";
  std::filesystem::create_directories(disk);
  run_command("truncate -s 160M " + (folder.path() / "image").native() + " && mkfs.ext4 -q -m 0 " +
              (folder.path() / "image").native() + " && mount -o loop " +
              (folder.path() / "image").native() + " " + disk.native());
  {
    MinioServer server(GetParam(), disk / "data");
    const auto storage = open_storage(server, bucket, {{"attempts", "2"}});
    ASSERT_TRUE(storage->put("before", "kept").ok());
    const std::string content = noise(220'000'000, 1);

    const Outcome put = storage->put("large", content);

    EXPECT_EQ(put.code, PODIUM_RESOURCE_EXHAUSTED) << put.message;
    EXPECT_THAT(put.message, HasSubstr("the store has no room left"));
    EXPECT_EQ(storage->keys(), std::vector<std::string>{"before"});
  }
  ::umount2(disk.c_str(), MNT_DETACH);
}

TEST(TlsOnly, ACertificateOfAnUnknownAuthorityIsRefused) {
  const auto storage = open_storage(shared_server(true), new_bucket(), {{"ca_file", ""}});

  const Outcome put = storage->put("key", "content");

  EXPECT_EQ(put.code, PODIUM_UNAVAILABLE);
  EXPECT_THAT(put.message, HasSubstr("set ca_file"));
}

TEST(TlsOnly, ACertificateOfAnotherHostIsRefused) {
  MinioServer& server = shared_server(true);
  const auto storage = open_storage(
      server, new_bucket(), {{"endpoint", "https://127.0.0.1:" + std::to_string(server.port())}});

  EXPECT_THAT(storage->put("key", "content").message, HasSubstr("certificate"));
}

TEST(TlsOnly, PlainHttpToATlsPortIsTold) {
  MinioServer& server = shared_server(true);
  const auto storage = open_storage(
      server, new_bucket(), {{"endpoint", "http://127.0.0.1:" + std::to_string(server.port())}});

  EXPECT_FALSE(storage->put("key", "content").ok());
}

TEST(TlsOnly, TlsToAPlainPortIsTold) {
  MinioServer& server = shared_server(false);
  const auto storage = open_storage(
      server, new_bucket(), {{"endpoint", "https://127.0.0.1:" + std::to_string(server.port())}});

  EXPECT_THAT(storage->put("key", "content").message,
              HasSubstr("if the store speaks plain HTTP, say http://"));
}

TEST_P(Faults, AnUploadThatTheSenderGivesUpLeavesNoParts) {
  const auto storage = open_storage(shared_server(GetParam()), bucket);
  const std::string content = noise(30'000'000, 1);
  auto source = [inner = source_of(content)](char* buffer, std::size_t capacity) mutable {
    const std::int64_t count = inner(buffer, capacity);
    return count == 0 ? -1 : count;
  };

  EXPECT_EQ(storage->put("given-up", source).code, PODIUM_CANCELLED);

  EXPECT_TRUE(storage->keys().empty());
}

}  // namespace
}  // namespace podium::test
