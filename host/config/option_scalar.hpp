#pragma once
#include <podium/abi.h>

#include <cstdint>
#include <string>

#include "base/json.hpp"

namespace podium {

/// The value of an option of one of the types that have an order.
struct Scalar {
  std::int64_t integer = 0;
  double number = 0;
};

/// "a duration as a string, like "30s"" and so on: what the config must hold for this type.
std::string expected_form(std::uint32_t type);

/// The type's name in help: "duration".
const char* type_name(std::uint32_t type);

/// Whether bounds have a meaning for the type.
bool is_ordered(std::uint32_t type);

/// Reads an INTEGER, NUMBER, BOOLEAN, DURATION or SIZE. Throws Failure(kInvalidArgument) that says
/// what was found and expected, without a path.
Scalar read_scalar(std::uint32_t type, const Json& value);

/// The value in one form only, so that equal values are equal texts.
Json canonical_scalar(std::uint32_t type, const Scalar& value);

/// Whether a is before b.
bool is_before(std::uint32_t type, const Scalar& a, const Scalar& b);

/// A default or a bound of an option table, which is written as in the config but without quotes,
/// as the config's JSON. Throws Failure when it is no value of that type.
Json table_value(std::uint32_t type, const char* text);

}  // namespace podium
