/// Faults that a real store cannot be made to show at will.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <podium/testing/in_parts.hpp>
#include <podium/testing/loaded_storage.hpp>

#include <atomic>

#include "fake_store.hpp"

namespace podium::test {
namespace {

using sdk::testing::LoadedStorage;
using sdk::testing::noise;
using sdk::testing::Outcome;
using sdk::testing::source_of;
using testing::HasSubstr;

const std::string kEtag = "ETag: \"e\"\r\n";

class FakeStoreFaults : public testing::Test {
 protected:
  /// A store that answers request number n (from 1) with `answer(n, request)`.
  void serve(std::function<FakeAnswer(int, const FakeStore::Request&)> answer,
             std::map<std::string, std::string> more = {}) {
    store = std::make_unique<FakeStore>([this, answer](const FakeStore::Request& request) {
      return answer(++count, request);
    });
    std::map<std::string, std::string> options{{"endpoint", store->endpoint()},
                                               {"bucket", "files"},
                                               {"access_key", "someone"},
                                               {"secret_key", "secret"},
                                               {"timeout", "500ms"}};
    for (const auto& [name, value] : more) options[name] = value;
    storage = std::make_unique<LoadedStorage>(PODIUM_MINIO_PLUGIN, options);
  }
  static FakeAnswer error(int status, const std::string& code) {
    return {http_answer(status, "<Error><Code>" + code + "</Code></Error>")};
  }

  std::atomic<int> count{0};
  std::unique_ptr<FakeStore> store;
  std::unique_ptr<LoadedStorage> storage;
};

TEST_F(FakeStoreFaults, ServerErrorsAndSlowDownAreTriedAgain) {
  serve([](int n, const auto&) {
    if (n == 1) return error(503, "SlowDown");
    if (n == 2) return error(500, "InternalError");
    return FakeAnswer{http_answer(200, "", kEtag)};
  });

  const Outcome put = storage->put("key", "content");

  EXPECT_TRUE(put.ok()) << put.message;
  EXPECT_EQ(store->requests().size(), 3u);
  EXPECT_EQ(store->requests().back().body, "content");
}

TEST_F(FakeStoreFaults, TriesEndAndTheLastErrorIsTold) {
  serve([](int, const auto&) { return error(500, "InternalError"); }, {{"attempts", "3"}});

  const Outcome put = storage->put("key", "content");

  EXPECT_EQ(put.code, PODIUM_UNAVAILABLE);
  EXPECT_THAT(put.message, HasSubstr("500 InternalError"));
  EXPECT_THAT(put.message, HasSubstr("tried 3 times"));
  EXPECT_EQ(store->requests().size(), 3u);
}

TEST_F(FakeStoreFaults, WhatIsRefusedForGoodIsNotTriedAgain) {
  serve([](int, const auto&) { return error(403, "AccessDenied"); });

  const Outcome put = storage->put("key", "content");

  EXPECT_THAT(put.message, HasSubstr("may not do this in the bucket files"));
  EXPECT_EQ(store->requests().size(), 1u);
}

TEST_F(FakeStoreFaults, AConnectionIsUsedAgain) {
  serve([](int, const auto&) { return FakeAnswer{http_answer(200, "", kEtag)}; });

  for (int i = 0; i < 5; ++i) ASSERT_TRUE(storage->put("key", "content").ok());

  for (const auto& request : store->requests()) EXPECT_EQ(request.connection, 1);
}

TEST_F(FakeStoreFaults, TheConnectionOfAHealthCheckWithItsShortTimeoutsIsNotUsedAgain) {
  serve([](int, const FakeStore::Request& request) {
    if (request.method == "PUT") return FakeAnswer{http_answer(200, "", kEtag)};
    return FakeAnswer{http_answer(200, "<ListBucketResult></ListBucketResult>")};
  });
  const auto* health = static_cast<const podium_health*>(storage->extension(PODIUM_EXT_HEALTH));
  ASSERT_NE(health, nullptr);
  std::uint32_t state = PODIUM_UNHEALTHY;
  const podium_buffer nowhere{sizeof nowhere, nullptr, [](void*, podium_bytes) { return true; }};

  health->check(storage->self(), 2000, &state, &nowhere);
  ASSERT_TRUE(storage->put("key", "content").ok());

  EXPECT_EQ(state, PODIUM_HEALTHY);
  ASSERT_EQ(store->requests().size(), 2u);
  EXPECT_NE(store->requests()[0].connection, store->requests()[1].connection);
}

TEST_F(FakeStoreFaults, AResetBeforeTheAnswerIsTriedAgain) {
  serve([](int n, const auto&) {
    return n == 1 ? FakeAnswer{"", true} : FakeAnswer{http_answer(200, "", kEtag)};
  });

  EXPECT_TRUE(storage->put("key", "content").ok());
  EXPECT_EQ(store->requests().size(), 2u);
}

TEST_F(FakeStoreFaults, AnAnswerThatDoesNotComeIsTriedAgain) {
  serve([](int n, const auto&) {
    return n == 1 ? FakeAnswer{} : FakeAnswer{http_answer(200, "", kEtag)};
  });

  EXPECT_TRUE(storage->put("key", "content").ok());
  EXPECT_EQ(store->requests().size(), 2u);
}

TEST_F(FakeStoreFaults, ACutBodyIsNoWholeOneAndTheRestIsAskedFor) {
  serve([](int n, const auto&) {
    if (n == 1) {
      std::string cut = http_answer(200, "0123456789", kEtag);
      cut.resize(cut.size() - 6);
      return FakeAnswer{cut, true};
    }
    return FakeAnswer{
        http_answer(206, "456789", kEtag + "Content-Range: bytes 4-9/10\r\n")};
  });
  std::string out;

  const Outcome get = storage->get("key", out);

  ASSERT_TRUE(get.ok()) << get.message;
  EXPECT_EQ(out, "0123456789");
  EXPECT_THAT(store->requests().back().head, HasSubstr("range: bytes=4-"));
  EXPECT_THAT(store->requests().back().head, HasSubstr("if-match: \"e\""));
}

TEST_F(FakeStoreFaults, AnObjectThatWasReplacedMeanwhileIsNotMixed) {
  serve([](int n, const auto&) {
    if (n > 1) return error(412, "PreconditionFailed");
    std::string cut = http_answer(200, "0123456789", kEtag);
    cut.resize(cut.size() - 6);
    return FakeAnswer{cut, true};
  });
  std::string out;

  EXPECT_THAT(storage->get("key", out).message, HasSubstr("412 PreconditionFailed"));
}

TEST_F(FakeStoreFaults, AFailedPartTakesTheUploadBack) {
  serve([](int, const FakeStore::Request& request) {
    if (request.target.ends_with("?uploads=")) {
      return FakeAnswer{http_answer(200, "<InitiateMultipartUploadResult><UploadId>u1</UploadId>"
                                         "</InitiateMultipartUploadResult>")};
    }
    if (request.method == "DELETE") return FakeAnswer{"HTTP/1.1 204 X\r\n\r\n"};
    if (request.target.find("partNumber=2") != std::string::npos) return error(507, "XMinioStorageFull");
    return FakeAnswer{http_answer(200, "", kEtag)};
  });

  const Outcome put = storage->put("key", noise(25'000'000, 1));

  EXPECT_EQ(put.code, PODIUM_RESOURCE_EXHAUSTED);
  const FakeStore::Request last = store->requests().back();
  EXPECT_EQ(last.method, "DELETE");
  EXPECT_EQ(last.target, "/files/key?uploadId=u1");
}

TEST_F(FakeStoreFaults, AnErrorInThe200ThatCompletesAnUploadIsOne) {
  serve([](int, const FakeStore::Request& request) {
    if (request.target.ends_with("?uploads=")) {
      return FakeAnswer{http_answer(200, "<InitiateMultipartUploadResult><UploadId>u1</UploadId>"
                                         "</InitiateMultipartUploadResult>")};
    }
    if (request.method == "POST") return error(200, "InternalError");
    if (request.method == "DELETE") return FakeAnswer{"HTTP/1.1 204 X\r\n\r\n"};
    return FakeAnswer{http_answer(200, "", kEtag)};
  });

  const Outcome put = storage->put("key", noise(25'000'000, 1));

  EXPECT_EQ(put.code, PODIUM_UNAVAILABLE);
  EXPECT_THAT(put.message, HasSubstr("InternalError"));
}

TEST_F(FakeStoreFaults, AnAnswerThatCompletesAnUploadAndBreaksOffIsNoSuccess) {
  for (const bool there : {false, true}) {
    serve([there](int, const FakeStore::Request& request) {
      if (request.target.ends_with("?uploads=")) {
        return FakeAnswer{http_answer(200, "<InitiateMultipartUploadResult><UploadId>u1</UploadId>"
                                           "</InitiateMultipartUploadResult>")};
      }
      // White space while it puts the parts together, and then no more.
      if (request.method == "POST") return FakeAnswer{http_answer(200, "<?xml version='1.0'?>   ")};
      if (request.method == "DELETE") return FakeAnswer{"HTTP/1.1 204 X\r\n\r\n"};
      if (request.method == "HEAD") {
        return FakeAnswer{there ? "HTTP/1.1 200 X\r\nContent-Length: 25000000\r\n\r\n"
                                : "HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n"};
      }
      return FakeAnswer{http_answer(200, "", kEtag)};
    });

    const Outcome put = storage->put("key", noise(25'000'000, 1));

    EXPECT_EQ(put.ok(), there) << put.message;
    if (!there) {
      EXPECT_THAT(put.message, HasSubstr("broke off while it put the parts together"));
    }
  }
}

TEST_F(FakeStoreFaults, MultipartPartsAreWholeAndInOrder) {
  std::mutex mutex;
  std::map<std::string, std::string> parts;
  serve([&](int, const FakeStore::Request& request) {
    if (request.target.ends_with("?uploads=")) {
      return FakeAnswer{http_answer(200, "<InitiateMultipartUploadResult><UploadId>u1</UploadId>"
                                         "</InitiateMultipartUploadResult>")};
    }
    if (request.method == "PUT") {
      std::lock_guard lock(mutex);
      parts[request.target] = request.body;
    }
    return FakeAnswer{http_answer(200, "<CompleteMultipartUploadResult/>", kEtag)};
  });
  const std::string content = noise(18'000'000, 1);

  ASSERT_TRUE(storage->put("key", source_of(content, 100'000)).ok());

  std::string joined;
  for (const auto& [target, body] : parts) joined += body;
  EXPECT_EQ(parts.size(), 4u);
  EXPECT_TRUE(joined == content);
  EXPECT_THAT(store->requests().back().body, HasSubstr("<PartNumber>4</PartNumber>"));
}

TEST_F(FakeStoreFaults, APartWhoseConnectionBreaksIsReadFromItsFileAgain) {
  std::mutex mutex;
  std::vector<std::string> bodies;
  serve([&](int, const FakeStore::Request& request) {
    if (request.target.ends_with("?uploads=")) {
      return FakeAnswer{http_answer(200, "<InitiateMultipartUploadResult><UploadId>u1</UploadId>"
                                         "</InitiateMultipartUploadResult>")};
    }
    if (request.method == "PUT") {
      std::lock_guard lock(mutex);
      bodies.push_back(request.body);
      if (bodies.size() == 1) return FakeAnswer{"", true};
    }
    return FakeAnswer{http_answer(200, "<CompleteMultipartUploadResult/>", kEtag)};
  });
  const std::string content = noise(1'000'000, 1);
  sdk::testing::InParts parts(*storage, content);
  ASSERT_TRUE(parts.begin("key").ok());

  ASSERT_TRUE(parts.put(1, 100, 900'000).ok());
  ASSERT_TRUE(parts.finish(900'000).ok());
  parts.end();

  ASSERT_EQ(bodies.size(), 2u);
  EXPECT_TRUE(bodies[0] == content.substr(100, 900'000));
  EXPECT_TRUE(bodies[1] == bodies[0]);
  EXPECT_EQ(store->requests().back().method, "POST") << "what is finished is not taken back";
}

TEST_F(FakeStoreFaults, TheRegionThatTheStoreExpectsIsTold) {
  serve([](int, const auto&) {
    return FakeAnswer{http_answer(400, "<Error><Code>AuthorizationHeaderMalformed</Code>"
                                       "<Region>eu-central-1</Region></Error>")};
  });

  EXPECT_THAT(storage->put("key", "x").message,
              HasSubstr("of another region than us-east-1, it says eu-central-1; check region"));
}

TEST_F(FakeStoreFaults, WhatIsNoStoreIsTold) {
  serve([](int, const auto&) { return FakeAnswer{http_answer(200, "<html>welcome</html>")}; });

  const Outcome list = storage->list("", [](const auto&) { return true; });

  EXPECT_EQ(list.code, PODIUM_UNAVAILABLE);
  EXPECT_THAT(list.message, HasSubstr("is the endpoint an S3 store"));
}

TEST_F(FakeStoreFaults, ABucketIsMadeWhenItIsMissingAndMayBeMade) {
  serve(
      [](int n, const FakeStore::Request&) {
        return n == 1 ? error(404, "NoSuchBucket") : FakeAnswer{http_answer(200, "", kEtag)};
      },
      {{"create_bucket", "true"}, {"region", "eu-west-1"}});

  ASSERT_TRUE(storage->put("key", "x").ok());

  EXPECT_EQ(store->requests().at(1).target, "/files");
  EXPECT_THAT(store->requests().at(1).body, HasSubstr("<LocationConstraint>eu-west-1<"));
  EXPECT_EQ(store->requests().at(2).target, "/files/key");
}

TEST_F(FakeStoreFaults, NobodyListeningIsTold) {
  LoadedStorage nowhere(PODIUM_MINIO_PLUGIN, std::map<std::string, std::string>{
                                                 {"endpoint", "http://127.0.0.1:1"},
                                                 {"bucket", "files"},
                                                 {"access_key", "someone"},
                                                 {"secret_key", "secret"},
                                                 {"attempts", "2"}});

  EXPECT_THAT(nowhere.put("key", "x").message,
              HasSubstr("http://127.0.0.1:1: nobody listens there"));
}

}  // namespace
}  // namespace podium::test
