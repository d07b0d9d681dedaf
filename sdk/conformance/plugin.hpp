#pragma once
/// A plugin as the cases see it: opened, its instances made and driven through the C ABI alone.

#include <podium/testing.hpp>

#include <csignal>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "case.hpp"

namespace podium::conform {

/// What a call answered.
struct Answer {
  podium_code code = PODIUM_OK;
  std::string message;
  bool ok() const noexcept { return code == PODIUM_OK; }
};

/// Runs a call of the plugin. An exception that leaves it breaks the rule of kNoExceptionCase; any
/// other case cannot go on then: NotRun.
void enter(const char* function, const std::function<void()>& call);

/// The same of a call that answers with a code and an error.
Answer ask(const char* function, const std::function<podium_code(podium_error*)>& call);

/// What ask() and enter() do besides calling; of the process, which runs one case.
enum class Asking : std::uint8_t {
  kPlainly,
  kJudgeExceptions,  ///< an exception is Broken and not NotRun
  kJudgeSignals,     ///< a call after which the thread's signal mask is another one is Broken
  kJudgeErrors,      ///< a failure of unknown code, or without a text for people, is Broken
  kWithoutError      ///< podium_error is NULL, as a host may have it
};
void ask_from_now_on(Asking how) noexcept;

/// Throws Broken when this thread's signal mask is no longer `before`.
void must_be_the_mask(const char* doing, const sigset_t& before);

/// "code 2 (\"no such key\")", for messages.
std::string told(const Answer& answer);

/// Throws Broken when a call that had to succeed did not.
void must_succeed(const char* function, const Answer& answer);

/// The library, opened. Throws Broken.
class Library {
 public:
  explicit Library(const std::filesystem::path& file);

  /// The symbol as data of at least `size` bytes. Throws Broken.
  const podium_plugin& plugin() const;
  /// The factory of a kind, nullptr when it is not offered.
  const void* factory(Kind kind) const;
  /// The one kind that it offers. Throws Broken.
  Kind kind() const;
  /// The rows of the option table of its kind.
  std::vector<podium_option> options(Kind kind) const;

 private:
  void* handle_;
};

/// The id of a kind's factory.
const char* factory_id(Kind kind) noexcept;

/// What all factories begin with.
struct FactoryHead {
  std::uint32_t size;
  std::uint32_t reserved;
  const podium_option_table* options;
  void (*create)();
};

/// One instance, or the attempt to make one. Destroyed at the end when it was made.
template <class Factory, class Interface>
class Made {
 public:
  Made(Context& context, const Library& library, const std::map<std::string, std::string>& options,
       std::uint32_t flags = 0)
      : host_(std::make_unique<sdk::testing::FakeHost>()),
        table_(library.options(context.kind)),
        config_(table_, options, "conform") {
    offer_sandbox(context, *host_);
    const auto* factory = static_cast<const Factory*>(library.factory(context.kind));
    interface_.size = sizeof interface_;
    answer_ = ask("create", [&](podium_error* error) {
      return factory->create(host_->raw(), config_.raw(), flags, &interface_, error);
    });
  }
  Made(const Made&) = delete;
  Made& operator=(const Made&) = delete;
  ~Made() {
    if (answer_.ok() && interface_.destroy != nullptr) {
      try {
        destroy();
      } catch (...) {
        // Told by the case that calls destroy() itself.
      }
    }
  }

  void destroy() {
    answer_.code = PODIUM_CANCELLED;  // once only
    enter("destroy", [&] { interface_.destroy(interface_.self); });
  }

  /// Leaves it alive for good: something in it hangs.
  void abandon() noexcept {
    answer_.code = PODIUM_CANCELLED;
    static_cast<void>(host_.release());
  }

  const Answer& answer() const noexcept { return answer_; }
  const Interface* operator->() const noexcept { return &interface_; }
  const Interface& interface() const noexcept { return interface_; }
  void* self() const noexcept { return interface_.self; }
  sdk::testing::FakeHost& host() noexcept { return *host_; }
  /// nullptr when it is not offered.
  const void* extension(const char* id) const {
    const void* found = nullptr;
    if (interface_.get_extension != nullptr) {
      enter("get_extension", [&] { found = interface_.get_extension(interface_.self, id); });
    }
    return found;
  }

 private:
  static void offer_sandbox(Context& context, sdk::testing::FakeHost& host);

  std::unique_ptr<sdk::testing::FakeHost> host_;
  std::vector<podium_option> table_;
  sdk::testing::TestConfig config_;
  Interface interface_{};
  Answer answer_;
};

using MadeRuntime = Made<podium_runtime_factory, podium_runtime>;
using MadeStorage = Made<podium_storage_factory, podium_storage>;
using MadeResponse = Made<podium_response_factory, podium_response>;

/// The options that the command line names, {tmp} replaced.
std::map<std::string, std::string> options_of(const Context& context);

/// A good instance by the command line's options. Throws Broken when create fails.
std::unique_ptr<MadeRuntime> make_runtime(Context& context, const Library& library);
std::unique_ptr<MadeStorage> make_storage(Context& context, const Library& library);
std::unique_ptr<MadeResponse> make_response(Context& context, const Library& library);

/// Calls `use` with an attempt to make an instance of the plugin's kind.
template <class Use>
void with_any(Context& context, const Library& library,
              const std::map<std::string, std::string>& options, std::uint32_t flags, Use&& use) {
  switch (context.kind) {
    case Kind::kRuntime: {
      MadeRuntime made(context, library, options, flags);
      return use(made);
    }
    case Kind::kStorage: {
      MadeStorage made(context, library, options, flags);
      return use(made);
    }
    case Kind::kResponse: {
      MadeResponse made(context, library, options, flags);
      return use(made);
    }
    case Kind::kAny:
      break;
  }
  throw NotRun("its kind is not known");
}

/// Uses an instance as a host does in its ordinary work, and as one does whose clients misbehave.
/// What the calls answer is not judged.
void exercise(Context& context, MadeRuntime& made);
void exercise(Context& context, MadeStorage& made);
void exercise(Context& context, MadeResponse& made);

}  // namespace podium::conform
