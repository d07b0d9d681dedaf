#include "policy/token.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "base/failure.hpp"
#include "policy/auth.hpp"
#include "policy/signed_token.hpp"
#include "support/temp_folder.hpp"

namespace podium {
namespace {

using test::good_claims;
using test::Issuer;
using testing::HasSubstr;

constexpr long kNowSeconds = 1'800'000'000;  // seconds

/// One issuer of each kind: RSA keys take long to make.
Issuer& ed25519() {
  static Issuer issuer("ED25519");
  return issuer;
}
Issuer& rsa() {
  static Issuer issuer("RSA");
  return issuer;
}

class Tokens : public testing::Test {
 protected:
  Tokens() {
    const Json::Array keys{ed25519().jwk("ed"), rsa().jwk("rs")};
    write("jwks.json", json_dump(Json::object({{"keys", Json(keys)}})));
  }

  void write(const std::string& name, const std::string& text) { folder_.write(name, text); }
  std::filesystem::path jwks() const { return folder_ / "jwks.json"; }

  static std::string signed_by(Issuer& issuer, const std::string& kid, const Json& claims) {
    return issuer.sign(Json::object({{"alg", issuer.algorithm()}, {"kid", kid}}), claims);
  }
  /// Why a token is refused; empty when it is not.
  std::string refusal(const std::string& token, long now = kNowSeconds) {
    try {
      TokenKeys::load(jwks()).verify(token, TokenConfig{}, now * 1000);
      return "";
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), Code::kUnauthenticated);
      return failure.what();
    }
  }
  std::string refusal_with(const char* claim, Json value) {
    Json claims = good_claims(kNowSeconds);
    claims.set(claim, std::move(value));
    return refusal(signed_by(ed25519(), "ed", claims));
  }

  test::TempFolder folder_;
};

TEST_F(Tokens, OfBothAlgorithmsAreTaken) {
  const TokenKeys keys = TokenKeys::load(jwks());

  for (const auto& token : {signed_by(ed25519(), "ed", good_claims(kNowSeconds)),
                            signed_by(rsa(), "rs", good_claims(kNowSeconds))}) {
    const TokenClaims claims = keys.verify(token, TokenConfig{}, kNowSeconds * 1000);
    EXPECT_EQ(claims.subject, "user-1");
    EXPECT_EQ(claims.tenant, "acme");
  }
}

TEST_F(Tokens, AreVerifiedByKeysOfAFolderToo) {
  std::filesystem::create_directory(folder_ / "pem");
  write("pem/ed.pem", ed25519().public_pem());
  write("pem/rs.pem", rsa().public_pem());
  write("pem/README", "not a key");
  const TokenKeys keys = TokenKeys::load(folder_ / "pem");

  EXPECT_EQ(keys.size(), 2u);
  EXPECT_EQ(
      keys.verify(signed_by(ed25519(), "ed", good_claims(kNowSeconds)), {}, kNowSeconds * 1000)
          .subject,
      "user-1");
  EXPECT_EQ(
      keys.verify(signed_by(rsa(), "rs", good_claims(kNowSeconds)), {}, kNowSeconds * 1000).subject,
      "user-1");
}

TEST_F(Tokens, WithAnotherSignatureOrKeyAreRefused) {
  const std::string good = signed_by(ed25519(), "ed", good_claims(kNowSeconds));
  Json other = good_claims(kNowSeconds);
  other.set("sub", "user-2");
  const std::string swapped = good.substr(0, good.find('.') + 1) +
                              test::base64url(json_dump(other)) + good.substr(good.rfind('.'));

  EXPECT_EQ(refusal(good), "");
  EXPECT_THAT(refusal(swapped), HasSubstr("signature"));
  EXPECT_THAT(refusal(good.substr(0, good.rfind('.') + 1)), HasSubstr("signature"));
  EXPECT_THAT(refusal(signed_by(rsa(), "ed", good_claims(kNowSeconds))), HasSubstr("alg"));
  EXPECT_THAT(refusal(signed_by(ed25519(), "gone", good_claims(kNowSeconds))), HasSubstr("kid"));
}

TEST_F(Tokens, CannotChooseTheirAlgorithm) {
  for (const char* algorithm : {"none", "HS256", "RS256", "eddsa", ""}) {
    const std::string token =
        ed25519().sign(Json::object({{"alg", algorithm}, {"kid", "ed"}}), good_claims(kNowSeconds));
    EXPECT_THAT(refusal(token), HasSubstr("alg must be EdDSA")) << algorithm;
  }
  EXPECT_THAT(refusal(ed25519().sign(Json::object({{"alg", "EdDSA"}}), good_claims(kNowSeconds))),
              HasSubstr("kid"));
}

TEST_F(Tokens, AreCheckedForIssuerAudienceAndSubject) {
  EXPECT_THAT(refusal_with("iss", "someone"), HasSubstr("iss"));
  EXPECT_THAT(refusal_with("aud", "other"), HasSubstr("aud"));
  EXPECT_THAT(refusal_with("aud", 5), HasSubstr("aud"));
  EXPECT_EQ(refusal_with("aud", Json(Json::Array{"other", "codeapi"})), "");
  EXPECT_THAT(refusal_with("sub", ""), HasSubstr("sub"));
  EXPECT_THAT(refusal_with("sub", nullptr), HasSubstr("sub"));
  EXPECT_THAT(refusal_with("sub", "a\nb"), HasSubstr("sub"));
  EXPECT_THAT(refusal_with("tenant_id", 7), HasSubstr("tenant_id"));
  EXPECT_EQ(refusal_with("tenant_id", nullptr), "");
}

TEST_F(Tokens, AreGoodForFiveMinutesAtMostAndThirtySecondsOfSkew) {
  const std::string token = signed_by(ed25519(), "ed", good_claims(kNowSeconds));

  EXPECT_EQ(refusal(token, kNowSeconds - 30), "");
  EXPECT_THAT(refusal(token, kNowSeconds - 31), HasSubstr("future"));
  EXPECT_EQ(refusal(token, kNowSeconds + 329), "");
  EXPECT_THAT(refusal(token, kNowSeconds + 330), HasSubstr("expired"));
  EXPECT_THAT(refusal_with("exp", kNowSeconds + 301), HasSubstr("longer than 300 s"));
  EXPECT_THAT(refusal_with("exp", kNowSeconds - 1), HasSubstr("longer"));
  EXPECT_THAT(refusal_with("exp", "soon"), HasSubstr("exp"));
  EXPECT_THAT(refusal_with("iat", nullptr), HasSubstr("iat"));
  EXPECT_THAT(refusal_with("nbf", kNowSeconds + 31), HasSubstr("not valid yet"));
}

TEST_F(Tokens, ThatAreNoneAreRefused) {
  for (const char* token :
       {"a.b", "a.b.c.d", "..", "e30.e30.", "!.!.!", "e30=.e30.e30", "W10.W10.W10"}) {
    EXPECT_NE(refusal(token), "") << token;
  }
  EXPECT_THAT(refusal(std::string(9000, 'a') + ".b.c"), HasSubstr("8 KiB"));
}

TEST_F(Tokens, KeysThatAreTooWeakOrNoneAreRefusedByName) {
  const auto message = [&](const Json& keys) {
    write("bad.json", json_dump(keys));
    try {
      TokenKeys::load(folder_ / "bad.json");
      return std::string("none");
    } catch (const Failure& failure) {
      return std::string(failure.what());
    }
  };
  const auto set = [](Json key) {
    return Json::object({{"keys", Json(Json::Array{std::move(key)})}});
  };

  EXPECT_THAT(message(set(Issuer("RSA", 1024).jwk("weak"))), HasSubstr("/keys/0: expected"));
  EXPECT_THAT(message(set(ed25519().jwk(""))), HasSubstr("kid"));
  EXPECT_THAT(message(set(Json::object({{"kty", "oct"}, {"kid", "a"}}))), HasSubstr("/keys/0"));
  EXPECT_THAT(message(Json::object({{"keys", Json::array()}})), HasSubstr("holds no key"));
  EXPECT_THAT(message(Json::object()), HasSubstr("JWKS"));
  EXPECT_THAT(
      message(Json::object({{"keys", Json(Json::Array{ed25519().jwk("a"), ed25519().jwk("a")})}})),
      HasSubstr("twice"));
}

TEST_F(Tokens, TheFingerprintOfTheirKeysChangesWithTheFile) {
  const std::string before = TokenKeys::fingerprint(jwks());

  EXPECT_EQ(TokenKeys::fingerprint(jwks()), before);
  write("jwks.json", "{}");
  EXPECT_NE(TokenKeys::fingerprint(jwks()), before);
}

TEST_F(Tokens, MakePrincipalsOfWhichNoTwoAreAlike) {
  const TokenKeys keys = TokenKeys::load(jwks());
  const auto principal = [&](const char* tenant, const char* subject) {
    Json claims = good_claims(kNowSeconds);
    claims.set("sub", subject);
    claims.set("tenant_id", tenant);
    Credentials given;
    given.authorization = "Bearer " + signed_by(ed25519(), "ed", claims);
    return authenticate(AuthConfig{}, {KeyRing(), &keys}, given, {}, kNowSeconds * 1000);
  };

  EXPECT_EQ(principal("acme", "user-1").id, "token:acme/user-1");
  EXPECT_EQ(principal("acme", "user-1").tenant, "token:acme");
  EXPECT_NE(principal("a/b", "c").id, principal("a", "b/c").id);
  EXPECT_NE(principal("", "c").id, principal("c", "c").id);
  EXPECT_FALSE(is_key_id(principal("acme", "user-1").id)) << "no key can have its name";
}

}  // namespace
}  // namespace podium
