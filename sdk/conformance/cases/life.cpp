/// create and destroy.

#include <dirent.h>
#include <malloc.h>

#include <array>
#include <cstring>

#include "../plugin.hpp"

namespace podium::conform {
namespace {

constexpr std::uint32_t kRuntimeSize10 = 64, kStorageSize10 = 72, kResponseSize10 = 80;

struct Opened {
  explicit Opened(Context& context) : library(context.settings.library) {
    context.kind = library.kind();
  }
  Library library;
};

void creates(Context& context) {
  const Opened it(context);
  with_any(context, it.library, options_of(context), 0,
           [](const auto& made) { must_succeed("create", made.answer()); });
}

const char* missing_of(const podium_runtime& it) {
  if (it.start == nullptr) return "start";
  if (it.cancel == nullptr) return "cancel";
  if (it.release == nullptr) return "release";
  return it.destroy == nullptr ? "destroy" : nullptr;
}
const char* missing_of(const podium_storage& it) {
  if (it.put == nullptr) return "put";
  if (it.get == nullptr) return "get";
  if (it.head == nullptr) return "head";
  if (it.list == nullptr) return "list";
  if (it.remove == nullptr) return "remove";
  return it.destroy == nullptr ? "destroy" : nullptr;
}
const char* missing_of(const podium_response& it) {
  if (it.get_traits == nullptr) return "get_traits";
  if (it.begin == nullptr) return "begin";
  if (it.tick == nullptr) return "tick";
  if (it.chunk == nullptr) return "chunk";
  if (it.finish == nullptr) return "finish";
  if (it.end_stream == nullptr) return "end_stream";
  return it.destroy == nullptr ? "destroy" : nullptr;
}

void is_complete(Context& context) {
  const Opened it(context);
  const std::uint32_t least = context.kind == Kind::kRuntime   ? kRuntimeSize10
                              : context.kind == Kind::kStorage ? kStorageSize10
                                                               : kResponseSize10;
  with_any(context, it.library, options_of(context), 0, [&](const auto& made) {
    must_succeed("create", made.answer());
    const auto& interface = made.interface();
    if (interface.size < least || interface.size > sizeof interface) {
      throw Broken("create left an interface of " + std::to_string(interface.size) + " bytes",
                   std::to_string(least) + " to the " + std::to_string(sizeof interface) +
                       " that the host said");
    }
    if (const char* missing = missing_of(interface)) {
      throw Broken(std::string("create left its function ") + missing + " NULL", "every function");
    }
  });
}

std::size_t entries_of(const char* folder) {
  std::size_t count = 0;
  DIR* open = ::opendir(folder);
  while (open != nullptr && ::readdir(open) != nullptr) ++count;
  if (open != nullptr) ::closedir(open);
  return count;
}
std::size_t descriptors() { return entries_of("/proc/self/fd"); }
std::size_t threads() { return entries_of("/proc/self/task"); }

void starts_nothing_in_a_dry_run(Context& context) {
  const Opened it(context);
  const std::size_t threads_before = threads(), descriptors_before = descriptors();
  with_any(context, it.library, options_of(context), PODIUM_DRY_RUN, [&](auto& made) {
    must_succeed("create in a dry run", made.answer());
    if (threads() != threads_before) {
      throw Broken(
          "create started " + std::to_string(threads() - threads_before) + " threads in a dry run",
          "none");
    }
    if (made.interface().destroy == nullptr)
      throw Broken("a dry run left destroy NULL", "a function");
    made.destroy();
  });
  if (descriptors() != descriptors_before) {
    throw Broken("a dry run left " + std::to_string(descriptors() - descriptors_before) +
                     " descriptors open",
                 "none");
  }
}

/// One round of life.
void live(Context& context, const Library& library) {
  with_any(context, library, options_of(context), 0, [](auto& made) {
    must_succeed("create", made.answer());
    made.destroy();
  });
}

void closes_its_descriptors(Context& context) {
  const Opened it(context);
  live(context, it.library);  // what a library opens once and for all is no leak
  const std::size_t before = descriptors();
  for (unsigned i = 0; i < 10; ++i) live(context, it.library);
  if (descriptors() <= before) return;
  throw Broken("10 rounds of create and destroy left " + std::to_string(descriptors() - before) +
                   " descriptors open",
               "none; destroy closes all");
}

void joins_its_threads(Context& context) {
  const Opened it(context);
  const std::size_t before = threads();
  for (unsigned i = 0; i < 3; ++i) {
    live(context, it.library);
    if (threads() > before) {
      throw Broken(std::to_string(threads() - before) + " threads live on after destroy",
                   "none; destroy joins all");
    }
  }
}

std::size_t memory() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

/// Growth counts when it comes in each quarter of the rounds: caches fill once, leaks go on.
void frees_its_memory(Context& context) {
  const Opened it(context);
  const unsigned rounds = context.settings.repeats;
  const unsigned quarter = rounds / 4 + 1;
  std::array<std::size_t, 5> at{};
  live(context, it.library);
  for (unsigned i = 0; i < 4 * quarter; ++i) {
    if (i % quarter == 0) at[i / quarter] = memory();
    live(context, it.library);
  }
  at[4] = memory();
  constexpr std::size_t kLeast = 16;  // malloc gives no less
  bool grows = true;
  for (std::size_t i = 1; i < 4; ++i) grows = grows && at[i + 1] >= at[i] + kLeast * quarter;
  if (!grows) return;
  throw Broken("memory grew by " + std::to_string(at[4] - at[1]) + " bytes in " +
                   std::to_string(3 * quarter) + " rounds of create and destroy, evenly",
               "no growth; destroy frees all");
}

void keeps_instances_apart(Context& context) {
  const Opened it(context);
  with_any(context, it.library, options_of(context), 0, [&](auto& first) {
    must_succeed("create", first.answer());
    live(context, it.library);
    exercise(context, first);  // must have survived the end of the other
    first.destroy();
  });
}

}  // namespace

std::vector<Case> birth_cases() {
  return {
      {"life/creates", "create succeeds with options that are right", Kind::kAny, true, creates},
      {"life/interface", "create leaves a complete interface of a size that the host knows",
       Kind::kAny, true, is_complete},
  };
}

std::vector<Case> life_cases() {
  return {
      {"life/dry_run", "a dry run of create checks, and starts nothing", Kind::kAny, false,
       starts_nothing_in_a_dry_run},
      {"life/closes_descriptors", "destroy closes all descriptors", Kind::kAny, false,
       closes_its_descriptors},
      {"life/joins_threads", "destroy joins all threads", Kind::kAny, false, joins_its_threads},
      {"life/frees_memory", "create and destroy a hundred times without growth", Kind::kAny, false,
       frees_its_memory},
      {"life/instances_apart", "an instance does not care about the end of another one", Kind::kAny,
       false, keeps_instances_apart},
  };
}

}  // namespace podium::conform
