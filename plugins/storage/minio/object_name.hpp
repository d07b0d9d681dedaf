#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace podium::s3 {

/// The name of an object for a key of 1 to 200 bytes of any value: one name for each key, made of
/// characters that every S3 takes as they are.
///
/// Bytes outside [A-Za-z0-9_-] become "!XX". After every 64 bytes of the key comes "~/", because
/// MinIO keeps an object in folders named after what is between the slashes, at most 255 bytes
/// each; no name ends in "~", so no object lies where a folder has to be. The name of a key's
/// beginning is the beginning of its name, so a list by prefix is one by the store.
std::string object_name(std::string_view key);

/// The key of an object; nothing when object_name makes no such name.
std::optional<std::string> key_of(std::string_view name);

}  // namespace podium::s3
