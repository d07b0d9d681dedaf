#include "settings.hpp"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace podium::s3 {

namespace {

using sdk::Error;

// Order as in docs/operations.md.
constexpr podium_option kOptions[] = {
    sdk::option_string("endpoint", nullptr,
                       "Where the store answers: http://HOST[:PORT] or https://HOST[:PORT]."),
    sdk::option_string("bucket", nullptr, "Bucket that holds the objects."),
    sdk::option_string("prefix", "", "Beginning of every object's name, like \"podium/\"."),
    sdk::option_string("region", "us-east-1", "Region that requests are signed for."),
    sdk::option_string("style", "path",
                       "How requests name the bucket: \"path\" or \"virtual-host\"."),
    sdk::option_boolean("create_bucket", "false", "Whether a missing bucket is made."),
    sdk::option_string("ca_file", "",
                       "PEM file of the authorities to trust; \"\": those of the system."),
    sdk::option_string("access_key", "", "Access key, unless access_key_secret gives it."),
    sdk::option_secret("access_key_secret", "", "Access key from a file or the environment."),
    sdk::option_secret("secret_key", nullptr, "Secret key from a file or the environment."),
    sdk::option_secret("session_token", "", "Session token of temporary credentials."),
    sdk::option_integer("connections", "16", "Requests to the store at a time.", "1", "256"),
    sdk::option_duration("connect_timeout", "3s", "Time to connect.", "10ms", "5m"),
    sdk::option_duration("timeout", "30s", "Time without a byte from or to the store.", "10ms",
                         "1h"),
    sdk::option_integer("attempts", "4", "Tries of a request in all.", "1", "20"),
    sdk::option_size("part_size", "5MiB",
                     "Part of a multipart upload; content above two parts is sent in parts.",
                     "5MiB", "64MiB"),
    sdk::option_boolean("sign_payload", "false",
                        "Whether content sent over http is signed too; over https TLS guards it."),
};

[[noreturn]] void refuse(const std::string& option, const std::string& what) {
  throw Error(PODIUM_INVALID_ARGUMENT, option + ": " + what);
}

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool is_host_name(std::string_view host) {
  return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [](char c) {
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_';
  });
}

bool is_address(const std::string& host) {
  unsigned char ignored[16];
  return inet_pton(AF_INET, host.c_str(), ignored) == 1 ||
         inet_pton(AF_INET6, host.c_str(), ignored) == 1;
}

void read_endpoint(const std::string& text, Settings& out) {
  const auto wrong = [&](const std::string& why) {
    refuse("endpoint",
           "\"" + text + "\" " + why + ", expected http://HOST[:PORT] or " + "https://HOST[:PORT]");
  };
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    out.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    wrong("has no scheme");
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  std::string_view port;
  if (rest.starts_with('[')) {
    const auto end = rest.find(']');
    if (end == rest.npos) wrong("has no end of its IPv6 address");
    out.host = rest.substr(1, end - 1);
    port = rest.substr(end + 1);
    if (!is_address(out.host)) wrong("names no IPv6 address");
  } else {
    const auto colon = rest.find(':');
    out.host = rest.substr(0, colon);
    if (colon != rest.npos) port = rest.substr(colon);
    if (!is_host_name(out.host)) wrong("names no host");
  }
  out.port = out.tls ? 443 : 80;
  if (port.empty()) return;
  const char* const end = port.data() + port.size();
  const auto [stop, error] = std::from_chars(port.data() + 1, end, out.port);
  if (port[0] != ':' || error != std::errc() || stop != end || out.port == 0) {
    wrong("has no port number after its host");
  }
}

/// The rules of S3 for names of buckets.
void check_bucket(const Settings& read) {
  const std::string& name = read.bucket;
  const bool sound = name.size() >= 3 && name.size() <= 63 && is_lower_or_digit(name.front()) &&
                     is_lower_or_digit(name.back()) && name.find("..") == name.npos &&
                     !is_address(name) && std::all_of(name.begin(), name.end(), [](char c) {
                       return is_lower_or_digit(c) || c == '-' || c == '.';
                     });
  if (!sound) {
    refuse("bucket", "\"" + name + "\" is no name of a bucket, expected 3 to 63 lower-case " +
                         "letters, digits, '-' and '.'");
  }
  if (!read.virtual_host) return;
  if (is_address(read.host)) {
    refuse("style", "\"virtual-host\" puts the bucket before the host's name, but the endpoint " +
                        std::string("is an address; use a name, or \"path\""));
  }
  if (read.tls && name.find('.') != name.npos) {
    refuse("bucket", "\"" + name + "\" has a '.', which no certificate of a virtual host covers; " +
                         "use style \"path\" or a name without");
  }
}

void check_prefix(const std::string& prefix) {
  const bool sound =
      prefix.size() <= 200 && !prefix.starts_with('/') && prefix.find("//") == prefix.npos &&
      std::all_of(prefix.begin(), prefix.end(), [](char c) {
        return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '/';
      });
  if (!sound) {
    refuse("prefix", "\"" + prefix + "\", expected at most 200 of [A-Za-z0-9_-/], no '/' first " +
                         "and no two of them together");
  }
}

Credentials read_credentials(const sdk::Options& options) {
  Credentials read{options.string("access_key"), options.secret("secret_key"),
                   options.secret("session_token")};
  const std::string secret = options.secret("access_key_secret");
  if (read.access_key.empty() == secret.empty()) {
    refuse("access_key", secret.empty() ? "is missing: give it, or access_key_secret as "
                                          "{\"file\": PATH} or {\"env\": NAME}"
                                        : "is given twice: here and as access_key_secret");
  }
  if (!secret.empty()) read.access_key = secret;
  const auto is_graphic = [](char c) { return c > 0x20 && c < 0x7f; };
  if (!std::all_of(read.access_key.begin(), read.access_key.end(), is_graphic)) {
    refuse("access_key", "has characters that no access key has (spaces or line breaks?)");
  }
  if (!std::all_of(read.session_token.begin(), read.session_token.end(), is_graphic)) {
    refuse("session_token", "has characters that no session token has (spaces or line breaks?)");
  }
  return read;
}

}  // namespace

std::string Settings::endpoint() const {
  const bool v6 = host.find(':') != host.npos;
  return std::string(tls ? "https://" : "http://") + (v6 ? "[" + host + "]" : host) + ":" +
         std::to_string(port);
}

std::string Settings::connect_host() const { return virtual_host ? bucket + "." + host : host; }

std::string Settings::host_header() const {
  std::string name = connect_host();
  if (name.find(':') != name.npos) name = "[" + name + "]";
  return port == (tls ? 443 : 80) ? name : name + ":" + std::to_string(port);
}

std::span<const podium_option> option_table() noexcept { return kOptions; }

Settings read_settings(const sdk::Options& options) {
  Settings read;
  read_endpoint(options.string("endpoint"), read);
  read.bucket = options.string("bucket");
  read.prefix = options.string("prefix");
  read.region = options.string("region");
  const std::string style = options.string("style");
  if (style != "path" && style != "virtual-host") {
    refuse("style", "\"" + style + "\", expected \"path\" or \"virtual-host\"");
  }
  read.virtual_host = style == "virtual-host";
  check_bucket(read);
  check_prefix(read.prefix);
  if (read.region.empty() || !std::all_of(read.region.begin(), read.region.end(), [](char c) {
        return is_lower_or_digit(c) || c == '-';
      })) {
    refuse("region", "\"" + read.region + "\" is no region, expected one like \"us-east-1\"");
  }
  read.create_bucket = options.boolean("create_bucket");
  read.ca_file = options.string("ca_file");
  if (!read.ca_file.empty() && access(read.ca_file.c_str(), R_OK) != 0) {
    refuse("ca_file", read.ca_file + " cannot be read: " + std::generic_category().message(errno));
  }
  read.credentials = read_credentials(options);
  read.connections = static_cast<unsigned>(options.integer("connections"));
  read.connect_timeout = options.duration("connect_timeout");
  read.timeout = options.duration("timeout");
  read.attempts = static_cast<unsigned>(options.integer("attempts"));
  read.part_size = options.size("part_size");
  read.sign_payload = options.boolean("sign_payload");
  return read;
}

}  // namespace podium::s3
