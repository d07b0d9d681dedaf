#include "policy/auth.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "base/failure.hpp"
#include "base/sha256.hpp"
#include "support/temp_folder.hpp"

namespace podium {
namespace {

const AuthConfig kKeysMode;

KeyRing ring() {
  return KeyRing({{"first", sha256_hex("sk-one")}, {"second", sha256_hex("sk-two")}});
}

/// The code of the failure, or nothing when the caller was let in.
std::optional<Code> refusal(const Credentials& given) {
  try {
    authenticate(kKeysMode, ring(), given);
    return std::nullopt;
  } catch (const Failure& failure) {
    return failure.code();
  }
}

Credentials with(std::optional<std::string> header, std::optional<std::string> authorization,
                 std::optional<std::string> body) {
  return {std::move(header), std::move(authorization), std::move(body)};
}

std::string load_message(const std::string& text) {
  test::TempFolder dir;
  std::ofstream(dir / "keys.json") << text;
  try {
    KeyRing::load(dir / "keys.json");
    return "no failure";
  } catch (const Failure& failure) {
    return failure.what();
  }
}

TEST(Authenticate, TakesTheKeyFromTheHeader) {
  EXPECT_EQ(authenticate(kKeysMode, ring(), with("sk-two", {}, {})).id, "second");
}

TEST(Authenticate, TakesTheKeyFromBearerAndApiKeyInAnyCase) {
  for (const char* header :
       {"Bearer sk-one", "bearer sk-one", "ApiKey sk-one", "APIKEY  sk-one "}) {
    EXPECT_EQ(authenticate(kKeysMode, ring(), with({}, header, {})).id, "first") << header;
  }
}

TEST(Authenticate, TakesTheKeyFromTheBodyWhenNoHeaderSaysAnything) {
  EXPECT_EQ(authenticate(kKeysMode, ring(), with({}, {}, "sk-one")).id, "first");
  EXPECT_EQ(authenticate(kKeysMode, ring(), with("", " ", "sk-one")).id, "first");
}

TEST(Authenticate, LetsTheHeaderDecideOverTheBody) {
  EXPECT_EQ(authenticate(kKeysMode, ring(), with("sk-one", {}, "sk-two")).id, "first");
  EXPECT_EQ(refusal(with("wrong", {}, "sk-two")), Code::kUnauthenticated);
  EXPECT_EQ(refusal(with({}, "Bearer wrong", "sk-two")), Code::kUnauthenticated);
}

TEST(Authenticate, RefusesTwoKindsOfCredentialsInTheHeaders) {
  EXPECT_EQ(refusal(with("sk-one", "Bearer sk-one", {})), Code::kMalformed);
}

TEST(Authenticate, RefusesWhoBringsNothingOrTheWrongThing) {
  EXPECT_EQ(refusal({}), Code::kUnauthenticated);
  EXPECT_EQ(refusal(with("sk-three", {}, {})), Code::kUnauthenticated);
  EXPECT_EQ(refusal(with({}, "Basic c2stb25l", {})), Code::kUnauthenticated);
  EXPECT_EQ(refusal(with({}, "Bearer", {})), Code::kUnauthenticated);
  EXPECT_EQ(refusal(with({}, "Bearer  ", {})), Code::kUnauthenticated);
  EXPECT_EQ(refusal(with({}, {}, "")), Code::kUnauthenticated);
}

TEST(Authenticate, NeverRepeatsAKeyInItsMessage) {
  try {
    authenticate(kKeysMode, ring(), with("sk-very-secret", {}, {}));
    FAIL() << "expected a refusal";
  } catch (const Failure& failure) {
    EXPECT_EQ(std::string(failure.what()).find("secret"), std::string::npos);
  }
}

TEST(Authenticate, RefusesSignedTokensByName) {
  try {
    authenticate(kKeysMode, ring(), with({}, "Bearer aaa.bbb.ccc", {}));
    FAIL() << "expected a refusal";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), Code::kUnauthenticated);
    EXPECT_NE(std::string(failure.what()).find("signed tokens"), std::string::npos);
  }
}

TEST(Authenticate, MakesEverybodyAnonymousInNoKeyMode) {
  AuthConfig config;
  config.mode = AuthConfig::Mode::kNone;

  EXPECT_EQ(authenticate(config, KeyRing(), {}).id, "anonymous");
  EXPECT_EQ(authenticate(config, ring(), with("sk-one", {}, {})).id, "anonymous");
}

TEST(KeyRing, MakesAPrivateFileWhoseKeyIsThenKnown) {
  test::TempFolder dir;

  const std::string key = KeyRing::create(dir / "keys.json", "first-start");

  struct stat info {};
  ASSERT_EQ(::stat((dir / "keys.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_EQ(info.st_nlink, 1u);
  EXPECT_EQ(KeyRing::load(dir / "keys.json").find(key)->id, "first-start");
  EXPECT_EQ(KeyRing::load(dir / "keys.json").find(key + "x"), nullptr);
}

TEST(KeyRing, KeepsTheKeyItselfOutOfTheFile) {
  test::TempFolder dir;

  const std::string key = KeyRing::create(dir / "keys.json", "first-start");

  std::ifstream file(dir / "keys.json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text.find(key), std::string::npos);
}

TEST(KeyRing, NeverReplacesAFileThatIsThere) {
  test::TempFolder dir;
  const std::string key = KeyRing::create(dir / "keys.json", "first");

  try {
    KeyRing::create(dir / "keys.json", "second");
    FAIL() << "expected kConflict";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), Code::kConflict);
  }
  EXPECT_EQ(KeyRing::load(dir / "keys.json").find(key)->id, "first");
}

TEST(KeyRing, SaysThatTheFileIsNotThere) {
  test::TempFolder dir;
  try {
    KeyRing::load(dir / "keys.json");
    FAIL() << "expected kNotFound";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), Code::kNotFound);
    EXPECT_NE(std::string(failure.what()).find("keys.json"), std::string::npos);
  }
}

TEST(KeyRing, NamesFileAndMemberOfWhatIsWrong) {
  const std::string good(64, 'a');
  EXPECT_NE(load_message("{").find("keys.json"), std::string::npos);
  EXPECT_NE(load_message("{}").find("/keys: expected an array"), std::string::npos);
  EXPECT_NE(load_message(R"({"keys":[{"sha256":")" + good + R"("}]})").find("/keys/0/id"),
            std::string::npos);
  EXPECT_NE(load_message(R"({"keys":[{"id":"a","sha256":"xy"}]})").find("/keys/0/sha256"),
            std::string::npos);
  EXPECT_NE(load_message(R"({"keys":[{"id":"a","sha256":")" + good + R"("},{"id":"a","sha256":")" +
                         good + R"("}]})")
                .find("/keys/1/id"),
            std::string::npos);
}

TEST(KeyRing, ReadsDigestsInUpperCase) {
  test::TempFolder dir;
  std::string digest = sha256_hex("sk-one");
  for (char& c : digest) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  std::ofstream(dir / "keys.json") << R"({"keys":[{"id":"a","sha256":")" + digest + R"("}]})";

  EXPECT_EQ(KeyRing::load(dir / "keys.json").find("sk-one")->id, "a");
}

}  // namespace
}  // namespace podium
