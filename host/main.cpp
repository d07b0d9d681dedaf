// podiumd: birth and death in order.

#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <iostream>

#include <Poco/Util/HelpFormatter.h>
#include <Poco/Util/Option.h>
#include <Poco/Util/OptionSet.h>
#include <Poco/Util/ServerApplication.h>

#include "base/user_namespaces.hpp"
#include "config/descriptors.hpp"
#include "daemon/daemon.hpp"
#include "daemon/log_names.hpp"
#include "daemon/privileges.hpp"
#include "version.hpp"

namespace {

namespace fs = std::filesystem;
using Poco::Util::Option;
using Poco::Util::OptionCallback;

class Podiumd final : public Poco::Util::ServerApplication {
 protected:
  void defineOptions(Poco::Util::OptionSet& options) override {
    ServerApplication::defineOptions(options);
    options.addOption(
        Option("help", "h", "say this").callback(OptionCallback<Podiumd>(this, &Podiumd::on_help)));
    options.addOption(Option("version", "", "say the version")
                          .callback(OptionCallback<Podiumd>(this, &Podiumd::on_version)));
    options.addOption(
        Option("config", "c", "read the configuration from this file, not the built-in defaults")
            .argument("FILE")
            .callback(OptionCallback<Podiumd>(this, &Podiumd::on_config)));
    options.addOption(Option("check", "", "check the configuration and its plugins, start nothing")
                          .argument("FILE", false)
                          .callback(OptionCallback<Podiumd>(this, &Podiumd::on_check)));
    options.addOption(Option("defaults", "", "print the built-in configuration, with comments")
                          .callback(OptionCallback<Podiumd>(this, &Podiumd::on_defaults)));
  }

  int main(const std::vector<std::string>& rest) override {
    if (done_) return EXIT_OK;
    try {
      if (check_ && rest.size() == 1 && source_.file.empty()) {
        source_.file = rest.front();  // "--check FILE", as people write it
      } else if (!rest.empty()) {
        throw podium::Failure(podium::Code::kInvalidArgument,
                              "unexpected argument '" + rest.front() + "'; see podiumd --help");
      }
      // Results of megabytes go back to the system when they are freed. Left to itself glibc takes
      // the first of them for the rule, and keeps the later ones.
      ::mallopt(M_MMAP_THRESHOLD, 512 << 10);
      ::mallopt(M_TRIM_THRESHOLD, 2 << 20);
      return check_ ? check() : serve();
    } catch (const std::exception& e) {
      // Not for ever: a stderr that nobody reads must not keep a failed daemon from its end.
      podium::write_within(2, "podiumd: " + std::string(e.what()) + "\n",
                           std::chrono::milliseconds(2000));
      return EXIT_CONFIG;
    }
  }

 private:
  void on_help(const std::string&, const std::string&) {
    Poco::Util::HelpFormatter formatter(options());
    formatter.setUnixStyle(true);
    formatter.setAutoIndent();
    formatter.setCommand("podiumd");
    formatter.setUsage("[OPTIONS]");
    formatter.setHeader(
        "Runs programs that people and language models write, in sandboxes, over "
        "HTTP. Stays in the foreground; SIGHUP reloads, SIGTERM drains.");
    formatter.format(std::cout);
    stop_here();
  }
  void on_version(const std::string&, const std::string&) {
    std::printf("podiumd %s\n", podium::kVersion);
    stop_here();
  }
  void on_defaults(const std::string&, const std::string&) {
    const auto text = podium::default_config_text();
    std::fwrite(text.data(), 1, text.size(), stdout);
    stop_here();
  }
  void on_config(const std::string&, const std::string& file) { source_.file = file; }
  void on_check(const std::string&, const std::string& file) {
    check_ = true;
    if (!file.empty()) source_.file = file;
  }
  void stop_here() {
    done_ = true;
    stopOptionsProcessing();
  }

  podium::DaemonOptions options_here() const {
    podium::DaemonOptions o;
    o.source = source_;
    if (!o.source.file.empty()) o.source.file = fs::absolute(o.source.file);
    o.program = fs::read_symlink("/proc/self/exe");
    const fs::path prefix = o.program.parent_path().parent_path();
    o.libexec_dir = prefix / "libexec/podium";
    o.source.plugin_dir = prefix / "lib/podium/plugins";
    o.source.environment = podium::config_environment(environ);
    return o;
  }

  int check() const {
    podium::Log log(2, podium::LogLevel::kWarning);
    const podium::Config config = options_here().source.load();
    if (::geteuid() == 0 && fs::exists(config.state_dir)) {
      // As the daemon, whose folder it is: what plugins make there as root, it could not enter.
      podium::drop_privileges(podium::find_account(config));
      fs::current_path(config.state_dir);
    }
    podium::GenerationBuilder builder({log, nullptr, nullptr});
    builder.check(config);
    std::printf("the configuration is good\n");
    return EXIT_OK;
  }

  int serve() const {
    const podium::DaemonOptions options = options_here();
    podium::Config config = options.source.load();
    podium::Log log(2, podium::parse_log_level(config.log.level),
                    podium::parse_log_format(config.log.format));
    if (::geteuid() != 0) {
      if (const auto problem = podium::user_namespace_problem()) {
        throw podium::Failure(podium::Code::kUnavailable,
                              "sandboxes cannot be made: not started as root, and " +
                                  problem->found + "; " + problem->remedy +
                                  ", or start podiumd as root: it drops to the account '" +
                                  config.user + "' at once");
      }
    }
    podium::block_signals();
    podium::raise_descriptor_limit(podium::descriptors_wanted(config.http.max_connections));
    const podium::Account account = podium::find_account(config);
    podium::prepare_state_dir(config, account);
    podium::SandboxDoor door(
        podium::start_supervisor({options.libexec_dir / "podium-spawner", config.state_dir / "runs",
                                  config.sandbox.uid_base, config.shown_paths()}));
    podium::drop_privileges(account);
    fs::current_path(config.state_dir);  // relative paths of options are below it
    return podium::run_daemon(options, std::move(config), std::move(door), log);
  }

  podium::ConfigSource source_{};
  bool check_ = false, done_ = false;
};

}  // namespace

POCO_SERVER_MAIN(Podiumd)
