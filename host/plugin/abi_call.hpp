#pragma once
/// Crossing the ABI with care: bytes, calls into plugins, calls out of them.

#include <podium/abi.h>

#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "base/failure.hpp"
#include "base/utf8.hpp"
#include "plugin/abi_code.hpp"

namespace podium {

inline podium_bytes to_bytes(std::string_view text) noexcept { return {text.data(), text.size()}; }
inline std::string_view to_view(podium_bytes b) noexcept {
  return b.size == 0 || b.data == nullptr ? std::string_view{} : std::string_view{b.data, b.size};
}
inline std::string_view to_view(const char* text) noexcept {
  return text == nullptr ? std::string_view{} : std::string_view{text};
}

/// Runs `body`, which calls one function of a plugin that has no code to return. An exception that
/// comes out of it, against the ABI, becomes Failure(kInternal) "WHO: WHAT let an exception out".
template <class F>
void call_plugin(std::string_view who, std::string_view what, F&& body) {
  std::string reason = "of unknown type";
  try {
    std::forward<F>(body)();
    return;
  } catch (const std::exception& e) {
    reason = to_utf8(e.what());
  } catch (...) {
    // Whatever it is, it must not go on.
  }
  throw Failure(Code::kInternal, std::string(who) + ": " + std::string(what) +
                                     " let an exception out, against the ABI: " + reason);
}

/// Runs `body(err)`, which calls one function of a plugin and returns its code. Any code but
/// PODIUM_OK becomes a Failure "WHO: the plugin's message".
template <class F>
void call_plugin_for_code(std::string_view who, std::string_view what, F&& body) {
  podium_error err{};
  err.size = sizeof err;
  std::uint32_t code = PODIUM_OK;
  call_plugin(who, what, [&] { code = static_cast<std::uint32_t>(body(&err)); });
  if (code == PODIUM_OK) return;
  err.message[sizeof err.message - 1] = '\0';
  std::string message = to_utf8(err.message);
  if (message.empty()) message = std::string(what) + " failed with code " + std::to_string(code);
  throw Failure(code_of(code), std::string(who) + ": " + message);
}

/// Runs `body`, a host function that a plugin calls, so that nothing it throws leaves: what becomes
/// code and message of it.
template <class F>
podium_code answer_plugin(podium_error* err, F&& body) noexcept {
  auto fill = [err](const char* message) {
    if (err == nullptr || err->size < sizeof *err) return;
    std::strncpy(err->message, message, sizeof err->message - 1);
    err->message[sizeof err->message - 1] = '\0';
  };
  try {
    std::forward<F>(body)();
    return PODIUM_OK;
  } catch (const Failure& f) {
    fill(f.what());
    return abi_code_of(f.code());
  } catch (const std::bad_alloc&) {
    fill("the host is out of memory");
    return PODIUM_RESOURCE_EXHAUSTED;
  } catch (const std::exception& e) {
    fill(e.what());
  } catch (...) {
    fill("the host failed in an unknown way");
  }
  return PODIUM_INTERNAL;
}

}  // namespace podium
