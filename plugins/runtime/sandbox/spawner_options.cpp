#include "spawner_options.hpp"

#include <fcntl.h>

#include <charconv>
#include <stdexcept>
#include <string_view>

namespace podium::sandbox {
namespace {

template <class T>
T number(std::string_view name, std::string_view text) {
  T value{};
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) {
    throw std::runtime_error("--" + std::string(name) + ": expected a number, not '" +
                             std::string(text) + "'");
  }
  return value;
}

}  // namespace

SpawnerOptions read_spawner_options(int argc, char** argv) {
  SpawnerOptions options;
  options.words = argv;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const auto equals = argument.find('=');
    if (!argument.starts_with("--") || equals == std::string_view::npos) {
      throw std::runtime_error("unknown argument '" + std::string(argument) +
                               "'; podium-spawner is started by podiumd, not by hand");
    }
    const std::string_view name = argument.substr(2, equals - 2);
    const std::string_view value = argument.substr(equals + 1);
    if (name == "control") {
      options.control = number<int>(name, value);
    } else if (name == "runs") {
      options.runs = value;
    } else if (name == "uid-base") {
      options.uid_base = number<uid_t>(name, value);
    } else if (name == "descriptors") {
      options.descriptors = number<std::uint64_t>(name, value);
    } else if (name == "show") {
      options.extra_paths.emplace_back(value);
    } else {
      throw std::runtime_error("unknown argument --" + std::string(name));
    }
  }
  if (options.control < 0 || ::fcntl(options.control, F_GETFD) < 0) {
    throw std::runtime_error("--control must name an open socket");
  }
  ::fcntl(options.control, F_SETFD, FD_CLOEXEC);
  if (options.runs.empty() || options.runs[0] != '/') {
    throw std::runtime_error("--runs must be an absolute path");
  }
  return options;
}

}  // namespace podium::sandbox
