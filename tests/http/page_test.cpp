#include "http/front.hpp"
#include "web/assets.hpp"

namespace podium::test {
namespace {

class PageRoutes : public Front {
 protected:
  Received bare(const std::string& target, const std::string& more = "") {
    return ask("GET " + target + " HTTP/1.1\r\nHost: h\r\n" + more + "\r\n");
  }
  /// The first file of the page with such a name.
  static const PageAsset& asset(std::string_view part) {
    for (const PageAsset& one : page_assets()) {
      if (one.path.find(part) != std::string_view::npos) return one;
    }
    throw std::runtime_error("the page has no " + std::string(part));
  }
};

TEST_F(PageRoutes, ThePageNeedsNoKeyAndIsAskedForAgainEachTime) {
  start();

  const Received answer = bare("/");

  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(answer.header("Cache-Control"), "no-cache");
  EXPECT_EQ(answer.body, asset("index.html").plain);
  EXPECT_EQ(bare("/admin").body, asset("admin.html").plain);
}

TEST_F(PageRoutes, TheOnlyPolicyForbidsInlineCodeAndEverythingFromElsewhere) {
  start();

  const Received answer = bare("/");

  EXPECT_EQ(answer.count("Content-Security-Policy"), 1u);
  const std::string policy = answer.header("Content-Security-Policy");
  for (const char* part : {"default-src 'none'", "script-src 'self';", "style-src 'self';",
                           "frame-ancestors 'none'", "require-trusted-types-for 'script'"}) {
    EXPECT_NE(policy.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_EQ(bare("/health").header("Content-Security-Policy"), "default-src 'self'");
}

TEST_F(PageRoutes, FilesWithTheirHashInTheNameAreKeptForEver) {
  start();

  const Received answer = bare("/" + std::string(asset("assets/main-").path));

  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Cache-Control"), "public, max-age=31536000, immutable");
}

TEST_F(PageRoutes, WhoTakesGzipGetsIt) {
  start();
  const PageAsset& script = asset("assets/main-");
  const std::string target = "/" + std::string(script.path);

  const Received packed = bare(target, "Accept-Encoding: br, gzip;q=0.5\r\n");
  const Received plain = bare(target);
  const Received refused = bare(target, "Accept-Encoding: gzip;q=0\r\n");

  EXPECT_EQ(packed.header("Content-Encoding"), "gzip");
  EXPECT_EQ(packed.body, script.gzip);
  EXPECT_EQ(packed.header("Vary"), "Accept-Encoding");
  EXPECT_EQ(plain.header("Content-Encoding"), "");
  EXPECT_EQ(plain.body, script.plain);
  EXPECT_EQ(refused.body, script.plain);
  EXPECT_NE(packed.header("ETag"), plain.header("ETag"));
}

TEST_F(PageRoutes, WhatIsHeldAlreadyIsNotSentAgain) {
  start();
  const std::string tag = bare("/").header("ETag");

  const Received held = bare("/", "If-None-Match: \"other\", " + tag + "\r\n");
  const Received other = bare("/", "If-None-Match: \"other\"\r\n");

  EXPECT_EQ(held.status, 304);
  EXPECT_EQ(held.body, "");
  EXPECT_EQ(held.header("ETag"), tag);
  EXPECT_EQ(other.status, 200);
}

TEST_F(PageRoutes, NothingBesideThePagesFilesIsServed) {
  start();

  EXPECT_EQ(bare("/assets/none.js").status, 404);
  EXPECT_EQ(bare("/assets/..%2fpodium.db").status, 404);
  EXPECT_EQ(bare("/assets/../index.html").status, 401);
}

TEST_F(PageRoutes, ASwitchedOffPageIsNotThere) {
  config.http.page = false;
  start();

  EXPECT_EQ(bare("/").status, 404);
  EXPECT_EQ(bare("/admin").status, 404);
  EXPECT_EQ(bare("/" + std::string(asset("assets/main-").path)).status, 404);
  EXPECT_EQ(get("/page").status, 404);
  EXPECT_EQ(bare("/health").status, 200);
}

TEST_F(PageRoutes, TheStartTellsStrangersOnlyThatAKeyIsNeeded) {
  start();

  const Received answer = bare("/page");

  EXPECT_EQ(answer.status, 200);
  EXPECT_FALSE(answer.json().find("signed_in")->boolean());
  EXPECT_TRUE(answer.json().find("key_needed")->boolean());
  EXPECT_EQ(answer.json().find("languages"), nullptr);
  EXPECT_EQ(bare("/page", "X-API-Key: sk-wrong\r\n").status, 401);
}

TEST_F(PageRoutes, TheStartTellsWhoHasAKeyWhatCanBeRun) {
  LanguageConfig missing = config.languages.front();
  missing.name = "missing";
  missing.aliases = {};
  missing.command = {"/usr/bin/no-such-program", "{source}"};
  config.languages.push_back(missing);
  config.http.max_upload = 12'345;
  start();

  const Json json = get("/page").json();

  EXPECT_TRUE(json.find("signed_in")->boolean());
  EXPECT_EQ(json.find("principal")->string(), "tester");
  EXPECT_EQ(json.find("max_upload")->integer(), 12'345);
  ASSERT_EQ(json.find("languages")->items().size(), 1u);
  EXPECT_EQ(json.find("languages")->items()[0].find("name")->string(), "py");
}

TEST_F(PageRoutes, WithoutKeysNobodySignsIn) {
  config.auth.mode = AuthConfig::Mode::kNone;
  start();

  const Json json =
      ask("GET /page HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server->port()) + "\r\n\r\n")
          .json();

  EXPECT_TRUE(json.find("signed_in")->boolean());
  EXPECT_FALSE(json.find("key_needed")->boolean());
}

TEST_F(PageRoutes, TheAdministratorSeesHealthAndMetrics) {
  start();
  const std::string admin = std::string("X-API-Key: ") + kAdminKey + "\r\n";

  EXPECT_EQ(bare("/api/v1/admin/health", admin).json().find("status")->string(), "healthy");
  EXPECT_NE(bare("/api/v1/admin/metrics", admin).body.find("podium_requests_total"),
            std::string::npos);
  EXPECT_EQ(get("/api/v1/admin/health").status, 403);
  EXPECT_EQ(bare("/api/v1/admin/metrics").status, 401);
}

}  // namespace
}  // namespace podium::test
