#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <podium/sdk/testing/test_config.hpp>

#include "storage/minio/documents.hpp"
#include "storage/minio/object_name.hpp"
#include "storage/minio/outage.hpp"
#include "storage/minio/settings.hpp"
#include "storage/minio/signature.hpp"

namespace podium::s3 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Settings settings(std::map<std::string, std::string> more = {}) {
  std::map<std::string, std::string> options{{"endpoint", "http://store.example:9000"},
                                             {"bucket", "files"},
                                             {"access_key", "someone"},
                                             {"secret_key", "secret"}};
  for (const auto& [name, value] : more) options[name] = value;
  const auto config = sdk::testing::make_config(option_table(), options);
  return read_settings(sdk::Options(config.raw()));
}

std::string refusal(std::map<std::string, std::string> more) {
  try {
    settings(std::move(more));
  } catch (const sdk::Error& error) {
    EXPECT_EQ(error.code(), PODIUM_INVALID_ARGUMENT);
    return error.what();
  }
  return "accepted";
}

// The example "List Objects" of the service's documentation of Signature Version 4.
TEST(Signature, IsThatOfTheDocumentedExample) {
  Settings store;
  store.host = "s3.amazonaws.com";
  store.port = 80;
  store.bucket = "examplebucket";
  store.virtual_host = true;
  store.region = "us-east-1";
  store.credentials = {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};
  const Request list{"GET", "", {{"prefix", "J"}, {"max-keys", "2"}}, {}};

  const auto headers =
      sign(store, list, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
           "20130524T000000Z");

  EXPECT_EQ(store.host_header(), "examplebucket.s3.amazonaws.com");
  EXPECT_THAT(
      headers.at("authorization"),
      HasSubstr("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

TEST(Signature, SignsTheSessionToken) {
  Settings store = settings({{"session_token", "token"}});

  const auto headers = sign(store, {"GET", "", {}, {}}, "UNSIGNED-PAYLOAD", "20130524T000000Z");

  EXPECT_EQ(headers.at("x-amz-security-token"), "token");
  EXPECT_THAT(headers.at("authorization"), HasSubstr(";x-amz-security-token,"));
}

TEST(Signature, EncodesPathAndQueryAsRfc3986Wants) {
  EXPECT_EQ(uri_encode("a b/c~d+\xc3\xa9", false), "a%20b%2Fc~d%2B%C3%A9");
  EXPECT_EQ(uri_encode("a b/c", true), "a%20b/c");
  EXPECT_EQ(canonical_query({"GET", "", {{"uploadId", "x/y="}, {"partNumber", "1"}}, {}}),
            "partNumber=1&uploadId=x%2Fy%3D");
  EXPECT_EQ(request_path(settings(), {"GET", "a!2Fb", {}, {}}), "/files/a%212Fb");
  EXPECT_EQ(request_path(settings({{"style", "virtual-host"}}), {"GET", "", {}, {}}), "/");
}

TEST(ObjectName, KeepsWhatPeopleCanReadAndEscapesTheRest) {
  EXPECT_EQ(object_name("V1StGXR8_Z5jdHi6B-myT"), "V1StGXR8_Z5jdHi6B-myT");
  EXPECT_EQ(object_name("../a b"), "!2E!2E!2Fa!20b");
}

TEST(ObjectName, OfAKeysBeginningIsItsBeginning) {
  const std::string key(200, '/');
  for (std::size_t size = 0; size < key.size(); ++size) {
    EXPECT_TRUE(object_name(key).starts_with(object_name(key.substr(0, size)))) << size;
  }
}

TEST(ObjectName, HasNoPartThatAFolderCouldNotBeNamed) {
  const std::string name = object_name(std::string(200, '\xff'));

  std::size_t from = 0;
  for (std::size_t slash = 0; slash != name.npos; from = slash + 1) {
    slash = name.find('/', from);
    EXPECT_LE(std::min(slash, name.size()) - from, 255u);
  }
}

TEST(ObjectName, GivesTheKeyBackAndNothingForForeignNames) {
  for (const std::string& key : {std::string("a"), std::string("\0\n", 2), std::string(64, 'a'),
                                 std::string(65, 'a'), std::string(200, '!')}) {
    EXPECT_EQ(key_of(object_name(key)), key);
  }
  for (const char* name : {"", "a/b", "a.b", "!2e", "!4", "!41", "a~/", "\xc3\xa9"}) {
    EXPECT_FALSE(key_of(name)) << name;
  }
  EXPECT_FALSE(key_of(std::string(64, 'a') + "b"));
  EXPECT_FALSE(key_of(std::string(64, 'a') + "~/"));
}

TEST(Documents, AListIsRead) {
  const Listing page = parse_listing(
      "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"x\"><Name>b</Name>"
      "<IsTruncated>true</IsTruncated><NextContinuationToken>t&amp;1</NextContinuationToken>"
      "<Contents><Key>a%212Fb</Key><LastModified>2026-11-22T03:49:46.123Z</LastModified>"
      "<Owner><ID>me</ID></Owner><Size>12</Size></Contents>"
      "<Contents><Key>c</Key><Size>0</Size></Contents></ListBucketResult>");

  ASSERT_EQ(page.objects.size(), 2u);
  EXPECT_EQ(page.objects[0].name, "a!2Fb");
  EXPECT_EQ(page.objects[0].size, 12u);
  EXPECT_EQ(page.objects[0].modified_ms, 1795319386123);
  EXPECT_EQ(page.objects[1].name, "c");
  EXPECT_EQ(page.next, "t&1");
}

TEST(Documents, WhatIsNoListIsRefused) {
  for (const char* text :
       {"", "<html></html>", "<ListBucketResult>", "{}",
        "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>"}) {
    EXPECT_THROW(parse_listing(text), sdk::Error) << text;
  }
}

TEST(Documents, ElementsWithinElementsWithoutEndAreRefused) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";

  EXPECT_THROW(parse_listing(deep), sdk::Error);
  EXPECT_EQ(parse_error(deep).code, "");
}

TEST(Documents, UploadsThatWereBegunAreReadPageByPage) {
  const std::string one =
      "<Upload><Key>a%20b</Key><UploadId>u1</UploadId>"
      "<Initiated>2026-11-22T03:49:46.123Z</Initiated></Upload>";
  const auto page = [&](const std::string& truncated) {
    return parse_pending_uploads(
        "<ListMultipartUploadsResult><NextKeyMarker>a%20b</NextKeyMarker>"
        "<NextUploadIdMarker>u1</NextUploadIdMarker><IsTruncated>" +
        truncated + "</IsTruncated>" + one + "</ListMultipartUploadsResult>");
  };

  ASSERT_EQ(page("true").uploads.size(), 1u);
  EXPECT_EQ(page("true").uploads[0].object, "a b");
  EXPECT_EQ(page("true").next_object, "a b");
  EXPECT_EQ(page("true").next_id, "u1");
  EXPECT_EQ(page("false").next_object, "");
}

TEST(Documents, OnlyTheResultSaysThatAnUploadIsComplete) {
  EXPECT_TRUE(
      is_completed("<?xml version='1.0'?>  <CompleteMultipartUploadResult>"
                   "<ETag>x</ETag></CompleteMultipartUploadResult>"));
  for (const char* text : {"", "<?xml version='1.0'?>   ", "<CompleteMultipartUploadResult><ETag>",
                           "<Error><Code>InternalError</Code></Error>", "x"}) {
    EXPECT_FALSE(is_completed(text)) << text;
  }
}

TEST(Documents, AnErrorIsReadAndAnythingElseGivesNone) {
  const ErrorDocument error = parse_error(
      "<Error><Code>AuthorizationHeaderMalformed</Code><Message>m</Message>"
      "<Region>eu-central-1</Region></Error>");

  EXPECT_EQ(error.code, "AuthorizationHeaderMalformed");
  EXPECT_EQ(error.region, "eu-central-1");
  EXPECT_EQ(parse_error("502 Bad Gateway").code, "");
}

TEST(Settings, ReadEndpoints) {
  EXPECT_EQ(settings({{"endpoint", "https://s3.example"}}).port, 443);
  EXPECT_EQ(settings({{"endpoint", "http://[::1]:9000"}}).host, "::1");
  EXPECT_EQ(settings({{"endpoint", "http://[::1]:9000"}}).host_header(), "[::1]:9000");
  EXPECT_EQ(settings({{"endpoint", "https://s3.example:443/"}}).host_header(), "s3.example");
}

TEST(Settings, RefuseWhatCannotWorkAndNameTheOption) {
  const auto starts = [](const char* text) { return testing::StartsWith(text); };
  EXPECT_THAT(refusal({{"endpoint", "store:9000"}}),
              starts("endpoint: \"store:9000\" has no scheme"));
  EXPECT_THAT(refusal({{"endpoint", "http://"}}), starts("endpoint: "));
  EXPECT_THAT(refusal({{"endpoint", "http://a:0"}}), starts("endpoint: "));
  EXPECT_THAT(refusal({{"endpoint", "http://a/b"}}), starts("endpoint: "));
  EXPECT_THAT(refusal({{"bucket", "Files"}}), starts("bucket: \"Files\" is no name"));
  EXPECT_THAT(refusal({{"bucket", "1.2.3.4"}}), starts("bucket: "));
  EXPECT_THAT(refusal({{"style", "virtual"}}), starts("style: "));
  EXPECT_THAT(refusal({{"style", "virtual-host"}, {"endpoint", "http://10.0.0.1"}}),
              starts("style: "));
  EXPECT_THAT(refusal({{"prefix", "/a"}}), starts("prefix: "));
  EXPECT_THAT(refusal({{"region", "EU West"}}), starts("region: "));
  EXPECT_THAT(refusal({{"access_key", ""}}), starts("access_key: is missing"));
  EXPECT_THAT(refusal({{"access_key_secret", "b"}}), starts("access_key: is given twice"));
  EXPECT_THAT(refusal({{"ca_file", "/no/such.pem"}}),
              starts("ca_file: /no/such.pem cannot be read"));
}

TEST(Outage, LetsOneLookAtATimeAndTellsTheOthers) {
  using std::chrono::seconds;
  Outage outage;
  const auto start = Outage::Clock::now();
  EXPECT_FALSE(outage.enter(start));

  outage.began("nobody listens", start);

  EXPECT_THROW(outage.enter(start + seconds(1)), sdk::Error);
  EXPECT_TRUE(outage.enter(start + seconds(3)));
  EXPECT_THROW(outage.enter(start + seconds(3)), sdk::Error);
  outage.ended();
  EXPECT_FALSE(outage.enter(start + seconds(3)));
}

}  // namespace
}  // namespace podium::s3
