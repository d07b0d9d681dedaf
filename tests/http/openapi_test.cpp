#include <set>

#include "http/front.hpp"
#include "http/routes.hpp"

namespace podium::test {
namespace {

class ApiDocument : public Front {
 protected:
  Received bare(const std::string& target) {
    return ask("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n");
  }
};

/// "/files/{session}/{file}" as the table of routes writes it: "/files/{}/{}".
std::string pattern_of(std::string path) {
  for (std::size_t open = path.find('{'); open != path.npos; open = path.find('{', open + 1)) {
    path.erase(open + 1, path.find('}', open) - open - 1);
  }
  return path;
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return text;
}

TEST_F(ApiDocument, HasEveryRouteAndNoOther) {
  start();
  std::set<std::string> documented, served;

  const Json document = bare("/openapi.json").json();
  for (const auto& [path, operations] : document.find("paths")->members()) {
    for (const auto& [method, operation] : operations.members()) {
      documented.insert(upper(method) + " " + pattern_of(path));
    }
  }
  for (const Route& route : routes())
    served.insert(std::string(route.method) + " " + route.pattern);

  EXPECT_EQ(documented, served) << "routes.cpp and api/openapi.json must name the same";
}

TEST_F(ApiDocument, NeedsNoKeyAndIsJson) {
  start();

  const Received answer = bare("/openapi.json");

  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Content-Type"), "application/json");
  EXPECT_EQ(answer.json().find("openapi")->string(), "3.1.0");
}

TEST_F(ApiDocument, SaysWhichRoutesNeedNoKeyOrTheAdministrators) {
  start();

  const Json document = bare("/openapi.json").json();

  for (const auto& [path, operations] : document.find("paths")->members()) {
    for (const auto& [method, operation] : operations.members()) {
      for (const Route& route : routes()) {
        if (upper(method) + pattern_of(path) != std::string(route.method) + route.pattern) continue;
        const Json* security = operation.find("security");
        EXPECT_EQ(route.open, security != nullptr && security->items().empty()) << path;
        const bool admin = security != nullptr && !security->items().empty() &&
                           security->items().front().find("adminKey") != nullptr;
        EXPECT_EQ(route.admin, admin) << path;
      }
    }
  }
}

TEST_F(ApiDocument, IsAPageThatLoadsAndRunsNothing) {
  start();

  const Received answer = bare("/v1/docs");

  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Content-Type"), "text/html; charset=utf-8");
  const std::string policy = answer.header("Content-Security-Policy");
  EXPECT_EQ(policy.find("default-src 'none'; style-src 'sha256-"), 0u) << policy;
  EXPECT_EQ(policy.find("unsafe"), policy.npos) << policy;
  for (const char* sign : {"<script", "src=", "http://", "https://", "@import", "url("}) {
    EXPECT_EQ(answer.body.find(sign), answer.body.npos) << sign;
  }
  for (const Route& route : routes()) {
    EXPECT_NE(answer.body.find(
                  std::string(route.pattern).substr(0, std::string(route.pattern).find('{'))),
              answer.body.npos)
        << route.pattern;
  }
}

}  // namespace
}  // namespace podium::test
