/// podium.put-parts/1 of a storage: content that flows on while it still arrives.

#include <sys/mman.h>
#include <unistd.h>

#include "blobs.hpp"

namespace podium::conform {
namespace {

/// A storage that takes parts. Throws NotRun.
struct Subject : StorageSubject {
  explicit Subject(Context& context) : StorageSubject(context) {
    functions = static_cast<const podium_put_parts*>(made->extension(PODIUM_EXT_PUT_PARTS));
    if (functions == nullptr) throw NotRun("it offers no " PODIUM_EXT_PUT_PARTS);
    enter("put_parts.part_size", [&] { part = functions->part_size(made->self()); });
    if (part == 0) throw Broken("part_size is 0", "a positive number of bytes");
    if (part > (256u << 20))
      throw NotRun("parts of " + bytes_of(part) + " are too long for a test");
  }
  const podium_put_parts* functions = nullptr;
  std::uint64_t part = 0;
};

/// One content on its way.
class Content {
 public:
  Content(Subject& it, std::string_view key, std::string_view text)
      : it_(it), file_(::memfd_create("parts", MFD_CLOEXEC)) {
    for (std::size_t at = 0; at < text.size();) {
      const ssize_t wrote = ::write(file_.get(), text.data() + at, text.size() - at);
      if (wrote <= 0) throw std::runtime_error("the content could not be written to a file");
      at += static_cast<std::size_t>(wrote);
    }
    must_succeed("put_parts.begin", ask("put_parts.begin", [&](podium_error* error) {
                   return it_.functions->begin(it_.made->self(), sdk::bytes(key), &parts_, error);
                 }));
    if (parts_ == nullptr)
      throw Broken("begin answered PODIUM_OK and left parts NULL", "a podium_parts");
  }
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;
  ~Content() {
    try {
      end();
    } catch (...) {
      // A case that judges the end calls it itself.
    }
  }

  Answer put(std::uint32_t number, std::uint64_t offset, std::uint64_t length) {
    return ask("put_parts.put", [&](podium_error* error) {
      return it_.functions->put(it_.made->self(), parts_, number, file_.get(), offset, length,
                                error);
    });
  }
  /// The part of that number as it lies in the text. Throws Broken.
  void put_own(std::uint32_t number, std::uint64_t whole) {
    const std::uint64_t offset = (number - 1) * it_.part;
    must_succeed("put_parts.put", put(number, offset, std::min(it_.part, whole - offset)));
  }
  Answer finish(std::uint64_t length) {
    return ask("put_parts.finish", [&](podium_error* error) {
      return it_.functions->finish(it_.made->self(), parts_, length, error);
    });
  }
  void end() {
    if (podium_parts* const parts = std::exchange(parts_, nullptr)) {
      enter("put_parts.end", [&] { it_.functions->end(it_.made->self(), parts); });
    }
  }

 private:
  Subject& it_;
  sdk::Descriptor file_;
  podium_parts* parts_ = nullptr;
};

void makes_one_content(Context& context) {
  Subject it(context);
  const std::string text = noise(2 * it.part + 1001, 1);
  Content content(it, "blob", text);
  for (const std::uint32_t number : {3u, 1u, 2u}) content.put_own(number, text.size());
  must_succeed("put_parts.finish", content.finish(text.size()));
  content.end();
  must_be("get of what came in parts", it.blobs.content("blob"), text);
}

void takes_parts_at_a_time(Context& context) {
  Subject it(context);
  const std::string text = noise(3 * it.part, 2);
  Content content(it, "blob", text);
  std::vector<std::function<void()>> bodies;
  for (std::uint32_t number = 1; number <= 3; ++number) {
    bodies.push_back([&, number] { content.put_own(number, text.size()); });
  }
  in_threads(bodies);
  must_succeed("put_parts.finish", content.finish(text.size()));
  content.end();
  must_be("get of parts put at a time", it.blobs.content("blob"), text);
}

void shows_nothing_before_the_end(Context& context) {
  Subject it(context);
  it.blobs.keep("old", "as it was");
  const std::string text = noise(it.part + 1, 3);
  for (const char* key : {"old", "new"}) {
    Content content(it, key, text);
    content.put_own(1, text.size());
    content.put_own(2, text.size());
    if (it.blobs.keys() != std::vector<std::string>{"old"} ||
        it.blobs.content("old") != "as it was") {
      throw Broken("a content that is not finished is visible", "the blobs as they were");
    }
  }
}

void takes_back(Context& context) {
  Subject it(context);
  it.blobs.keep("old", "as it was");
  const std::string text = noise(it.part, 4);
  for (const char* key : {"old", "new"}) {
    Content content(it, key, text);
    content.put_own(1, text.size());
    content.end();
  }
  if (it.blobs.keys() != std::vector<std::string>{"old"})
    throw Broken("a content that was not finished is listed", "\"old\"");
  must_be("get of a blob that was not replaced", it.blobs.content("old"), "as it was");
}

void refuses_gaps(Context& context) {
  Subject it(context);
  const std::string text = noise(it.part + 5, 5);
  Content content(it, "blob", text);
  content.put_own(2, text.size());
  if (content.finish(text.size()).ok())
    throw Broken("finish without part 1 answered PODIUM_OK", "a failure");
  content.end();
  if (!it.blobs.keys().empty())
    throw Broken("a content without its first part is listed", "nothing");
}

void refuses_short_files(Context& context) {
  Subject it(context);
  const std::string text = noise(it.part - it.part / 2, 6);
  Content content(it, "blob", text);
  if (content.put(1, 0, text.size() + 1).ok()) {
    throw Broken("put of a part that lies behind the file's end answered PODIUM_OK", "a failure");
  }
}

void takes_a_part_again(Context& context) {
  Subject it(context);
  const std::string text = noise(it.part + 5, 7);
  Content content(it, "blob", text);
  static_cast<void>(
      content.put(1, 6, it.part));  // behind the file's end; refuses_short_files judges it
  content.put_own(1, text.size());
  content.put_own(2, text.size());
  must_succeed("put_parts.finish", content.finish(text.size()));
  content.end();
  must_be("get of what came in parts, one of which failed at first", it.blobs.content("blob"),
          text);
}

}  // namespace

std::vector<Case> put_parts_cases() {
  constexpr Kind kKind = Kind::kStorage;
  return {
      {"storage/parts", "parts become one content in the order of their numbers", kKind, false,
       makes_one_content},
      {"storage/parts_at_a_time", "parts may be put at the same time", kKind, false,
       takes_parts_at_a_time},
      {"storage/parts_hidden", "what was begun is invisible until it is finished", kKind, false,
       shows_nothing_before_the_end},
      {"storage/parts_taken_back", "what was not finished is taken back", kKind, false, takes_back},
      {"storage/parts_missing", "finish fails when a part is missing", kKind, false, refuses_gaps},
      {"storage/parts_short", "a part that is not in its file makes put fail", kKind, false,
       refuses_short_files},
      {"storage/parts_again", "a part that failed may be put again", kKind, false,
       takes_a_part_again},
  };
}

}  // namespace podium::conform
