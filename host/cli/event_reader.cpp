#include "cli/event_reader.hpp"

#include <string_view>

namespace podium::cli {

bool EventReader::next(ServerEvent& event) {
  event = ServerEvent();
  bool any = false;
  for (std::string line; std::getline(in_, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) {
      if (any) return true;
      continue;
    }
    const std::size_t colon = std::min(line.find(':'), line.size());
    const std::string_view field = std::string_view(line).substr(0, colon);
    std::string_view value = std::string_view(line).substr(std::min(colon + 1, line.size()));
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (field == "id") event.id = value;
    if (field == "event") event.name = value;
    if (field == "data") {
      if (!event.data.empty()) event.data += '\n';
      event.data += value;
    }
    any = any || !field.empty();
  }
  return false;
}

}  // namespace podium::cli
