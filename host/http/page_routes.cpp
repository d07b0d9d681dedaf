/// The web page: its files, and what it asks for first.

#include <algorithm>

#include "config/usable.hpp"
#include "http/exchange.hpp"
#include "http/routes.hpp"
#include "web/assets.hpp"

namespace podium {
namespace {

/// Nothing from elsewhere, no inline code, nothing parsed as HTML at run time. Pictures that
/// programs drew come as blob:, which is what a page can make of bytes that it fetched with a key.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

const PageAsset* find_asset(std::string_view path) {
  for (const PageAsset& asset : page_assets()) {
    if (asset.path == path) return &asset;
  }
  return nullptr;
}

/// Whether a list of header values holds `wanted`, by commas. What stands after ';' goes to
/// `parameters`.
bool list_holds(const std::string* list, std::string_view wanted, std::string* parameters) {
  std::string_view rest = list == nullptr ? std::string_view() : *list;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    const std::string_view item = rest.substr(0, end);
    const std::size_t semicolon = std::min(item.find(';'), item.size());
    if (equal_ignoring_case(trim_blanks(item.substr(0, semicolon)), wanted)) {
      if (parameters != nullptr) *parameters = item.substr(semicolon);
      return true;
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

/// Accept-Encoding with gzip and no weight of zero (RFC 9110, 12.5.3).
bool takes_gzip(const RequestHead& head) {
  std::string weight;
  if (!list_holds(head.headers.find("Accept-Encoding"), "gzip", &weight)) return false;
  weight.erase(std::remove(weight.begin(), weight.end(), ' '), weight.end());
  const std::size_t at = weight.find("q=");
  return at == std::string::npos || weight.find_first_not_of("0.", at + 2) != std::string::npos;
}

/// The entity tag that the client holds already (RFC 9110, 13.1.2; compared weakly).
bool is_held(const RequestHead& head, const std::string& tag) {
  const std::string* held = head.headers.find("If-None-Match");
  return list_holds(held, tag, nullptr) || list_holds(held, "W/" + tag, nullptr) ||
         list_holds(held, "*", nullptr);
}

Answer asset_answer(const PageAsset& asset, const RequestHead& head) {
  const bool packed = !asset.gzip.empty() && takes_gzip(head);
  const std::string tag = "\"" + std::string(asset.digest) + (packed ? "-gzip\"" : "\"");
  Answer answer;
  answer.headers.add("ETag", tag);
  answer.headers.add("Vary", "Accept-Encoding");
  answer.headers.add("Cache-Control",
                     asset.hashed ? "public, max-age=31536000, immutable" : "no-cache");
  answer.headers.add("Content-Security-Policy", kPolicy);
  if (is_held(head, tag)) {
    answer.status = 304;
    return answer;
  }
  answer.media_type = asset.media_type;
  if (packed) answer.headers.add("Content-Encoding", "gzip");
  answer.body = packed ? asset.gzip : asset.plain;
  return answer;
}

Answer find_page(Exchange& exchange, const std::string& path) {
  if (!exchange.generation()) throw Failure(Code::kUnavailable, "the service is starting");
  if (!exchange.config().http.page) {
    throw Failure(Code::kNotFound, "the page is switched off here (\"http\".\"page\")");
  }
  const PageAsset* asset = find_asset(path);
  if (asset == nullptr && page_assets().empty()) {
    throw Failure(Code::kNotFound, "this podiumd was built without its page (PODIUM_WEB=OFF)");
  }
  if (asset == nullptr) throw Failure(Code::kNotFound, "no such path");
  return asset_answer(*asset, exchange.head());
}

Json language_json(const LanguageConfig& language) {
  Json aliases = Json::array();
  for (const std::string& alias : language.aliases) aliases.push(alias);
  return Json::object({{"name", language.name},
                       {"aliases", std::move(aliases)},
                       {"source", language.source},
                       {"compiled", !language.compile.empty()},
                       {"wall_ms", static_cast<long long>(language.limits.wall.count())}});
}

Json usable_languages(const Config& config) {
  Json list = Json::array();
  for (const LanguageConfig& language : config.languages) {
    if (why_unusable(language, config).empty()) list.push(language_json(language));
  }
  return list;
}

}  // namespace

Task<> page_route(Exchange& exchange) {
  const std::vector<std::string_view> segments = path_segments(exchange.head().path());
  const std::string name(segments.empty() ? "index" : segments[0]);
  Answer answer = find_page(exchange, name + ".html");
  co_await exchange.answer(std::move(answer));
}

Task<> page_asset_route(Exchange& exchange) {
  Answer answer = find_page(exchange, "assets/" + exchange.parameter(0));
  co_await exchange.answer(std::move(answer));
}

/// What the page has to know before anything else: whether a key is asked for, and with one, what
/// can be run here.
Task<> page_start_route(Exchange& exchange) {
  if (!exchange.config().http.page) throw Failure(Code::kNotFound, "no such path");
  Json body = Json::object({{"version", exchange.context().version}});
  const bool keyless = !exchange.has_credentials() && exchange.needs_no_key();
  if (keyless) exchange.authenticate(std::nullopt);
  const bool signed_in = keyless || exchange.has_credentials();
  body.set("signed_in", signed_in);
  body.set("key_needed", !exchange.needs_no_key());
  if (signed_in) {
    HttpContext& context = exchange.context();
    const std::shared_ptr<const Generation> generation = exchange.generation();
    auto look = [generation] { return usable_languages(generation->config()); };
    Json languages = co_await on_pool(context.io, context.pool, look);
    const HttpConfig& http = exchange.config().http;
    body.set("principal", exchange.principal().id);
    body.set("languages", std::move(languages));
    body.set("max_upload", http.max_upload);
    body.set("max_upload_files", http.max_upload_files);
    std::vector<std::string> none;
    body.set("interactive", match_route("GET", "/exec/ws", none).known);
  }
  co_await exchange.answer(json_answer(200, body));
}

}  // namespace podium
