#include "node_ahead.hpp"

#include "ahead.hpp"

namespace podium::node_pod {

sandbox::AheadOptions node_ahead(const std::string& interpreter, const std::string& script) {
  sandbox::AheadOptions ahead;
  ahead.interpreter = interpreter;
  ahead.payload = sandbox::describe_ahead(
      kScript, script, {interpreter, "/mnt/code/main.js"},
      {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "TMPDIR=/tmp", "LANG=C.UTF-8",
       "USER=sandbox",
       // By the environment and not by the command line: that is the program's, as are the
       // options that it sees of its node and hands on to others.
       std::string("NODE_OPTIONS=--require ") + sandbox::kAheadFolder + "/" + kScript});
  // The package system's record tells of libraries that were replaced.
  ahead.watched = {interpreter, "/var/lib/dpkg/status"};
  return ahead;
}

}  // namespace podium::node_pod
