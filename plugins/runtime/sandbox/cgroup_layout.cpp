// Which control groups this host has for us: read from what the kernel tells of them.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <sstream>

#include "cgroup.hpp"
#include "proc_text.hpp"

namespace podium::sandbox {
namespace {

using Version = CgroupController::Version;

bool has_word(std::string_view list, char separator, std::string_view word) {
  for (std::size_t at = 0; at <= list.size();) {
    std::size_t end = list.find(separator, at);
    if (end == std::string_view::npos) end = list.size();
    if (list.substr(at, end - at) == word) return true;
    at = end + 1;
  }
  return false;
}

struct Mount {
  std::string point, root, type, options;
};

std::vector<Mount> cgroup_mounts(std::string_view mountinfo) {
  std::vector<Mount> mounts;
  std::istringstream in{std::string(mountinfo)};
  for (std::string line; std::getline(in, line);) {
    const auto f = words(line);
    const auto dash = std::find(f.begin(), f.end(), "-");
    if (f.size() < 6 || f.end() - dash < 4) continue;
    if (dash[1] == "cgroup" || dash[1] == "cgroup2") {
      mounts.push_back({f[4], f[3], dash[1], dash[3]});
    }
  }
  return mounts;
}

/// Our own group's directory below a mount.
std::string own_directory(const Mount& mount, std::string path) {
  if (mount.root != "/" && path.starts_with(mount.root)) path.erase(0, mount.root.size());
  if (path.starts_with("/..") || path == "/") path.clear();  // outside of our cgroup namespace
  const std::string host = "/" + std::string(kHostGroup);
  if (mount.type == "cgroup2" && path.ends_with(host)) path.erase(path.size() - host.size());
  return mount.point + path;
}

/// With DelegateSubgroup= systemd (254 and later) starts the service in a group below the one that
/// it has given it, which has the controllers: then that one, if nobody else has a group in it.
std::string given_group(const std::string& own, const DelegateMark& is_given) {
  const std::string above = own.substr(0, own.rfind('/'));
  if (is_given(own) || !is_given(above)) return own;
  std::error_code ignored;
  for (const auto& each : std::filesystem::directory_iterator(above, ignored)) {
    const std::string name = each.path().filename();
    const bool ours = each.path() == own || name.starts_with("podium-");
    if (each.is_directory() && !ours) return own;
  }
  return above;
}

}  // namespace

std::string CgroupLayout::name() const {
  bool v1 = false, v2 = false;
  for (const auto* c : {&memory, &pids, &cpu}) {
    v1 |= c->version == Version::kV1;
    v2 |= c->version == Version::kV2;
  }
  return v1 && v2 ? "hybrid" : v1 ? "v1" : v2 ? "v2" : "none";
}

std::vector<std::string> CgroupLayout::missing() const {
  std::vector<std::string> out;
  if (memory.version == Version::kNone) out.emplace_back("memory");
  if (pids.version == Version::kNone) out.emplace_back("processes");
  if (cpu.version == Version::kNone) out.emplace_back("cpu");
  return out;
}

CgroupLayout find_cgroups(std::string_view self_cgroup, std::string_view mountinfo,
                          const std::string& root, const DelegateMark& is_given) {
  const auto mounts = cgroup_mounts(mountinfo);
  CgroupLayout layout;
  const std::array<std::pair<CgroupController*, std::string>, 3> wanted{
      {{&layout.memory, "memory"}, {&layout.pids, "pids"}, {&layout.cpu, "cpu"}}};

  std::istringstream in{std::string(self_cgroup)};
  for (std::string line; std::getline(in, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    const bool unified = controllers.empty();
    for (const auto& mount : mounts) {
      if (unified != (mount.type == "cgroup2")) continue;
      std::string own = root + own_directory(mount, path);
      if (unified) own = given_group(own, is_given);
      const std::string offered =
          unified ? read_text((own + "/cgroup.controllers").c_str()) : std::string();
      for (const auto& [controller, name] : wanted) {
        const bool here =
            unified ? std::ranges::count(words(offered), name) > 0
                    : has_word(controllers, ',', name) && has_word(mount.options, ',', name);
        if (here && controller->version == Version::kNone) {
          *controller = {unified ? Version::kV2 : Version::kV1, own};
        }
      }
    }
  }
  return layout;
}

}  // namespace podium::sandbox
