#pragma once
#include <fstream>
#include <iterator>

#include "node_ahead.hpp"
#include "sandbox/spawner_process.hpp"

namespace podium::sandbox {

inline const std::string kNode = "/usr/bin/node";

/// A pool of nodes that wait.
inline PoolOptions node_pool(unsigned min = 2, unsigned max = 8) {
  std::ifstream in(PODIUM_NODE_SCRIPT, std::ios::binary);
  const std::string script(std::istreambuf_iterator<char>(in), {});
  PoolOptions pool;
  pool.tier = "node";
  pool.min = min;
  pool.max = max;
  pool.starting = 2;
  pool.limits = kFirstLimits;
  pool.ahead = node_pod::node_ahead(kNode, script);
  return pool;
}

/// What JavaScript programs get by default.
inline Program node_program(std::string code) {
  Program p;
  p.code = std::move(code);
  p.command = {kNode, "{source}"};
  p.source = "main.js";
  p.environment = {"NODE_PATH=/mnt/data/node_modules:/mnt/data:/usr/share/nodejs"};
  return p;
}

}  // namespace podium::sandbox
