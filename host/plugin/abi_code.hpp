#pragma once
#include <podium/abi.h>

#include <cstdint>

#include "base/failure.hpp"

namespace podium {

/// What a plugin's code means to the host. Codes that this host does not know, and PODIUM_OK where
/// a failure was told, count as kInternal. Takes an integer because a plugin may return any.
constexpr Code code_of(std::uint32_t code) noexcept {
  switch (code) {  // not as an enum: a value out of its range is undefined there
    case PODIUM_INVALID_ARGUMENT:
      return Code::kInvalidArgument;
    case PODIUM_NOT_FOUND:
      return Code::kNotFound;
    case PODIUM_UNAVAILABLE:
      return Code::kUnavailable;
    case PODIUM_DEADLINE_EXCEEDED:
      return Code::kDeadlineExceeded;
    case PODIUM_CANCELLED:
      return Code::kCancelled;
    case PODIUM_RESOURCE_EXHAUSTED:
      return Code::kResourceExhausted;
    case PODIUM_UNSUPPORTED:
      return Code::kUnsupported;
    case PODIUM_INTERNAL:
    case PODIUM_OK:
    default:
      break;
  }
  return Code::kInternal;
}

/// What a failure of a host service means to a plugin that called it.
constexpr podium_code abi_code_of(Code code) noexcept {
  switch (code) {
    case Code::kMalformed:
    case Code::kInvalidArgument:
    case Code::kUnprocessable:
    case Code::kUnsupportedMedia:
    case Code::kConflict:
    case Code::kTooLarge:
      return PODIUM_INVALID_ARGUMENT;
    case Code::kNotFound:
      return PODIUM_NOT_FOUND;
    case Code::kRateLimited:
    case Code::kResourceExhausted:
      return PODIUM_RESOURCE_EXHAUSTED;
    case Code::kUnavailable:
      return PODIUM_UNAVAILABLE;
    case Code::kDeadlineExceeded:
      return PODIUM_DEADLINE_EXCEEDED;
    case Code::kCancelled:
      return PODIUM_CANCELLED;
    case Code::kUnsupported:
      return PODIUM_UNSUPPORTED;
    case Code::kUnauthenticated:
    case Code::kForbidden:
    case Code::kInternal:
      break;
  }
  return PODIUM_INTERNAL;
}

}  // namespace podium
