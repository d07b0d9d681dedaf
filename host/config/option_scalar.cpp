#include "config/option_scalar.hpp"

#include <limits>

#include "base/failure.hpp"
#include "base/units.hpp"

namespace podium {
namespace {

/// The text of a duration or a size.
const std::string& unit_text(std::uint32_t type, const Json& value) {
  if (value.is_string()) return value.string();
  throw Failure(Code::kInvalidArgument,
                std::string("found ") + value.kind() + ", expected " + expected_form(type));
}

std::int64_t read_size(const std::string& text) {
  const std::uint64_t bytes = parse_size(text);
  if (bytes > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    throw Failure(Code::kInvalidArgument, "found " + text + ", expected less than 8388608TiB");
  }
  return static_cast<std::int64_t>(bytes);
}

}  // namespace

std::string expected_form(std::uint32_t type) {
  switch (type) {
    case PODIUM_STRING:
      return "a string";
    case PODIUM_INTEGER:
      return "a whole number";
    case PODIUM_NUMBER:
      return "a number";
    case PODIUM_BOOLEAN:
      return "true or false";
    case PODIUM_DURATION:
      return "a duration as a string, like \"30s\"";
    case PODIUM_SIZE:
      return "a size as a string, like \"64MiB\"";
    case PODIUM_STRING_LIST:
      return "an array of strings";
    case PODIUM_SECRET:
      return "{\"file\": PATH} or {\"env\": NAME}";
    default:
      return "nothing: the type is unknown";
  }
}

const char* type_name(std::uint32_t type) {
  switch (type) {
    case PODIUM_STRING:
      return "string";
    case PODIUM_INTEGER:
      return "integer";
    case PODIUM_NUMBER:
      return "number";
    case PODIUM_BOOLEAN:
      return "boolean";
    case PODIUM_DURATION:
      return "duration";
    case PODIUM_SIZE:
      return "size";
    case PODIUM_STRING_LIST:
      return "list";
    case PODIUM_SECRET:
      return "secret";
    default:
      return "unknown";
  }
}

bool is_ordered(std::uint32_t type) {
  return type == PODIUM_INTEGER || type == PODIUM_NUMBER || type == PODIUM_DURATION ||
         type == PODIUM_SIZE;
}

Scalar read_scalar(std::uint32_t type, const Json& value) {
  Scalar out;
  if (type == PODIUM_DURATION) {
    out.integer = parse_duration(unit_text(type, value)).count();
  } else if (type == PODIUM_SIZE) {
    out.integer = read_size(unit_text(type, value));
  } else if (type == PODIUM_INTEGER && value.is_integer()) {
    out.integer = value.integer();
  } else if (type == PODIUM_NUMBER && value.is_number()) {
    out.number = value.number();
  } else if (type == PODIUM_BOOLEAN && value.is_bool()) {
    out.integer = value.boolean() ? 1 : 0;
  } else {
    const bool number = value.is_number();
    throw Failure(Code::kInvalidArgument, "found " + (number ? json_dump(value) : value.kind()) +
                                              ", expected " + expected_form(type));
  }
  return out;
}

Json canonical_scalar(std::uint32_t type, const Scalar& value) {
  switch (type) {
    case PODIUM_NUMBER:
      return Json(value.number);
    case PODIUM_BOOLEAN:
      return Json(value.integer != 0);
    case PODIUM_DURATION:
      return Json(format_duration(std::chrono::milliseconds(value.integer)));
    case PODIUM_SIZE:
      return Json(format_size(static_cast<std::uint64_t>(value.integer)));
    default:
      return Json(value.integer);
  }
}

bool is_before(std::uint32_t type, const Scalar& a, const Scalar& b) {
  return type == PODIUM_NUMBER ? a.number < b.number : a.integer < b.integer;
}

Json table_value(std::uint32_t type, const char* text) {
  const bool plain = type == PODIUM_STRING || type == PODIUM_DURATION || type == PODIUM_SIZE;
  return plain ? Json(text) : json_parse(text);
}

}  // namespace podium
