#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "config/config.hpp"
#include "obs/log.hpp"
#include "plugin/interfaces.hpp"

namespace podium {

/// The I/O thread, as plugins may wait on it. Any thread.
class DescriptorWatcher {
 public:
  /// Its destructor lets no call come any more and waits for one that runs.
  class Watch {
   public:
    virtual ~Watch() = default;
  };
  virtual ~DescriptorWatcher() = default;

  /// Calls `ready` whenever the descriptor can be read, or `ended` once when there is no I/O thread
  /// any more; see podium_io_thread. Throws Failure(kUnavailable) when there is none now.
  virtual std::unique_ptr<Watch> watch(UniqueFd descriptor, std::function<void()> ready,
                                       std::function<void()> ended) = 0;
};

/// What the host lends to plugins. Outlives every generation.
struct HostServices {
  Log& log;
  /// Runs a task on the host's bounded pool. Any thread.
  std::function<void(std::function<void()>)> post;
  /// A new connection to the sandbox spawner; throws Failure(kUnavailable). Any thread.
  std::function<UniqueFd()> connect_sandbox;
  /// Counts what storages do; nullptr: nobody does.
  Metrics* metrics = nullptr;
  /// nullptr: no I/O thread is lent.
  DescriptorWatcher* watcher = nullptr;
};

/// One configuration at work: config, plugin instances, routes. Immutable; any thread.
///
/// A request takes the current generation once and passes it down; the last request to drop it
/// hands it to the Reaper, because destroying instances joins threads.
class Generation {
 public:
  /// Wires instances that are already there as `config` says: runtimes of languages, responses of
  /// routes, the storage; each instance bears the name it has in the config. Throws
  /// Failure(kInvalidArgument) for a name that is missing or of another kind. For tests and
  /// embedders; the daemon goes through GenerationBuilder.
  static std::shared_ptr<const Generation> assemble(
      Config config, std::vector<std::shared_ptr<Instance>> instances, std::uint64_t number = 1);

  /// Lets go of the instances, last to first; those that no other generation shares end here.
  ~Generation();
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  /// Number 1 is the first since the start.
  std::uint64_t number() const noexcept { return number_; }
  const Config& config() const noexcept { return config_; }

  /// The runtimes of a language in the order to try them.
  const std::vector<Runtime*>& runtimes(const LanguageConfig& language) const;
  Storage& storage() const noexcept { return *storage_; }
  /// The strategy of a route; routes without one in the config use a built-in ordinary answer:
  /// nullptr.
  Response* response(const std::string& route) const noexcept;
  /// Every instance, in the order of the config.
  const std::vector<std::shared_ptr<Instance>>& instances() const noexcept { return instances_; }

 private:
  friend class GenerationBuilder;
  Generation() = default;
  static std::shared_ptr<Generation> wire(Config config,
                                          std::vector<std::shared_ptr<Instance>> instances,
                                          std::uint64_t number);

  bool is_made_of(const std::string& instance, const std::string& what) const {
    const auto found = made_of_.find(instance);
    return found != made_of_.end() && found->second == what;
  }

  std::uint64_t number_ = 0;
  Config config_;
  std::vector<std::shared_ptr<Instance>> instances_;
  std::map<std::string, std::shared_ptr<Instance>> by_name_;
  /// Instance → what it was made of: library, canonical options, digests of its secrets.
  std::map<std::string, std::string> made_of_;
  std::map<std::string, std::vector<Runtime*>> by_language_;
  std::map<std::string, Response*> by_route_;
  Storage* storage_ = nullptr;
};

/// Builds generations: all or nothing.
class GenerationBuilder {
 public:
  explicit GenerationBuilder(HostServices services);
  ~GenerationBuilder();

  /// Loads the libraries, validates every instance's options, creates the instances. An instance
  /// whose library and canonical options are those of `previous` is shared with it. Throws Failure
  /// that names the instance, what was wrong and what to do; then nothing has changed. When `stop`
  /// is asked for, no further instance is made. Any thread; the calls into plugins come one after
  /// the other.
  std::shared_ptr<const Generation> build(Config config, const Generation* previous,
                                          std::stop_token stop = {});

  /// Whether build would share every instance, so that no code is loaded and nothing created.
  /// Throws Failure for options that are wrong.
  bool shares_all(const Config& config, const Generation& previous);

  /// The create or destroy that a plugin is in now is given up: it may never return. Other plugins
  /// are called again meanwhile, that library not before the call has returned. Its path; "" when
  /// no such call is in progress.
  std::string give_up_call() noexcept;

  /// The pre-flight: opens every library, validates options, creates in dry-run mode. For the child
  /// process of a reload and for --check. Throws Failure.
  void check(const Config& config);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Ends old generations on a thread of its own.
class Reaper {
 public:
  explicit Reaper(Log& log);
  ~Reaper();  ///< waits for what it has been given

  /// Wraps a generation so that its last owner, on whatever thread, only hands it over.
  std::shared_ptr<const Generation> adopt(std::shared_ptr<const Generation> generation);

  /// A generation that has been replaced and is still there.
  struct Left {
    std::uint64_t number;
    std::chrono::milliseconds since;  ///< it was replaced
    bool ending;                      ///< nobody uses it any more, its plugins are at their ends
  };
  /// From the moment on that `number` was replaced it counts as left over until it has ended.
  void replaced(std::uint64_t number);
  std::vector<Left> left() const;

  /// Waits until everything that it has been given has ended, but no longer than that.
  bool wait(std::chrono::milliseconds patience) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace podium
