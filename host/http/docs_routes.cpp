/// The description of this API: for programs, and for people.

#include "http/api_texts.hpp"
#include "http/exchange.hpp"
#include "http/routes.hpp"

namespace podium {

Task<> openapi_route(Exchange& exchange) {
  Answer answer;
  answer.media_type = "application/json";
  answer.body = openapi_text();
  co_await exchange.answer(std::move(answer));
}

/// Its one style sheet is let in by its digest; nothing else is loaded, run or framed.
Task<> docs_route(Exchange& exchange) {
  Answer answer;
  answer.media_type = "text/html; charset=utf-8";
  answer.body = api_page();
  answer.headers.add("Content-Security-Policy",
                     "default-src 'none'; style-src 'sha256-" +
                         std::string(api_page_style_digest()) +
                         "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  co_await exchange.answer(std::move(answer));
}

}  // namespace podium
