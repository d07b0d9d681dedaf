/// Kind storage.

#include <algorithm>
#include <atomic>

#include "blobs.hpp"

namespace podium::conform {
namespace {

void must_fail(const std::string& what, const Answer& answer, podium_code code, const char* name) {
  if (answer.code != code) throw Broken(what + " answered " + told(answer), name);
}

void keeps_every_size(Context& context) {
  StorageSubject it(context);
  for (const std::size_t size :
       {0ul, 1ul, 4095ul, 4096ul, 65'536ul, 262'145ul, 8'388'609ul, 67'108'864ul}) {
    const std::string expected = noise(size, size);
    it.blobs.keep("blob", expected);
    must_be("get", it.blobs.content("blob"), expected);
    Told blob;
    must_succeed("head", it.blobs.head("blob", blob));
    if (blob.length != size) throw Broken("head said " + bytes_of(blob.length), bytes_of(size));
  }
}

void keeps_nul_bytes(Context& context) {
  StorageSubject it(context);
  for (const std::string& content :
       {std::string(1, '\0'), std::string("a\0b\0", 4), std::string(5000, '\0')}) {
    it.blobs.keep("blob", content);
    must_be("get of NUL bytes", it.blobs.content("blob"), content);
  }
}

/// Keys that some medium could take for something else.
std::vector<std::string> hostile_keys() {
  std::vector<std::string> keys = {"..",          ".",         "../../../../etc/passwd",
                                   "/etc/passwd", "a/b/c",     "a//b",
                                   "a/",          "a",         "A",
                                   "./a",         "-rf",       "%2e%2e%2f",
                                   "%",           "a%41",      "con",
                                   "name.",       "name ",     " name",
                                   "a\nb",        "a\r\nX: y", "\x1b[31m",
                                   "\xff\xfe",    "\xc3\xa9",  "e\xcc\x81",
                                   "a?b=c&d",     "a#b",       "a+b",
                                   "a*b",         "~",         "$HOME",
                                   "`id`",        "'",         "\"",
                                   "\\",          "<>",        "a;b",
                                   "=",           "_"};
  for (int byte = 0; byte < 256; ++byte)
    keys.push_back("byte" + std::string(1, static_cast<char>(byte)));
  for (const char byte : {'a', '/', '.', '\0', '\xff', '%'}) keys.emplace_back(200, byte);
  keys.push_back(noise(200, 1));
  keys.push_back(std::string("a\0b", 3));
  keys.push_back(std::string("a\0", 2));
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

void tells_hostile_keys_apart(Context& context) {
  StorageSubject it(context);
  const std::vector<std::string> keys = hostile_keys();
  for (const std::string& key : keys) it.blobs.keep(key, "content of " + key);
  for (const std::string& key : keys)
    must_be("get of " + shown(key), it.blobs.content(key), "content of " + key);
  const std::vector<std::string> found = it.blobs.keys();
  if (found != keys) {
    const auto [mine, theirs] = std::mismatch(keys.begin(), keys.end(), found.begin(), found.end());
    throw Broken("list gave " + std::to_string(found.size()) + " keys, at one place " +
                     (theirs == found.end() ? "nothing" : shown(*theirs)),
                 std::to_string(keys.size()) + " keys, there " +
                     (mine == keys.end() ? "nothing" : shown(*mine)));
  }
  for (const std::string& key : keys) must_succeed("remove", it.blobs.remove(key));
  if (!it.blobs.keys().empty()) throw Broken("keys are listed after all were removed", "none");
}

void bounds_keys(Context& context) {
  StorageSubject it(context);
  std::string out;
  Told blob;
  for (const std::string& key : {std::string(), std::string(201, 'a')}) {
    const std::string what = " of a key of " + bytes_of(key.size());
    constexpr const char* kExpected = "PODIUM_INVALID_ARGUMENT; a key is 1 to 200 bytes";
    must_fail("put" + what, it.blobs.put(key, "x"), PODIUM_INVALID_ARGUMENT, kExpected);
    must_fail("get" + what, it.blobs.get(key, out), PODIUM_INVALID_ARGUMENT, kExpected);
    must_fail("head" + what, it.blobs.head(key, blob), PODIUM_INVALID_ARGUMENT, kExpected);
    must_fail("remove" + what, it.blobs.remove(key), PODIUM_INVALID_ARGUMENT, kExpected);
  }
}

void replaces_as_a_whole(Context& context) {
  StorageSubject it(context);
  it.blobs.keep("blob", noise(10'000, 1));
  it.blobs.keep("blob", "short");
  must_be("get after a second put", it.blobs.content("blob"), "short");
  it.blobs.keep("blob", noise(20'000, 2));
  must_be("get after a third put", it.blobs.content("blob"), noise(20'000, 2));
  if (it.blobs.keys().size() != 1)
    throw Broken("a key that was put three times is listed " +
                     std::to_string(it.blobs.keys().size()) + " times",
                 "once");
}

void knows_what_is_missing(Context& context) {
  StorageSubject it(context);
  std::string out;
  Told blob;
  must_fail("get of an unknown key", it.blobs.get("nothing", out), PODIUM_NOT_FOUND,
            "PODIUM_NOT_FOUND");
  must_fail("head of an unknown key", it.blobs.head("nothing", blob), PODIUM_NOT_FOUND,
            "PODIUM_NOT_FOUND");
  if (!out.empty()) throw Broken("get of an unknown key gave bytes", "none");
}

void removes(Context& context) {
  StorageSubject it(context);
  it.blobs.keep("blob", "content");
  must_succeed("remove", it.blobs.remove("blob"));
  must_succeed("remove of what is not there", it.blobs.remove("blob"));
  std::string out;
  must_fail("get of a removed key", it.blobs.get("blob", out), PODIUM_NOT_FOUND,
            "PODIUM_NOT_FOUND");
}

void gives_ranges(Context& context) {
  StorageSubject it(context);
  const std::string whole = noise(300'000, 1);
  it.blobs.keep("blob", whole);
  std::string part;
  const std::pair<std::uint64_t, std::uint64_t> ranges[] = {
      {0, 1},       {10, 20}, {65'530, 100}, {262'100, 30'000},
      {299'999, 1}, {5, 0},   {300'000, 0},  {299'000, UINT64_MAX}};
  for (const auto& [offset, length] : ranges) {
    must_succeed("get of a range", it.blobs.get("blob", part, offset, length));
    must_be("get of " + std::to_string(length) + " bytes from " + std::to_string(offset), part,
            whole.substr(offset, length));
  }
  const std::pair<std::uint64_t, std::uint64_t> outside[] = {
      {299'999, 2}, {300'001, 0}, {300'001, UINT64_MAX}, {UINT64_MAX, 2}};
  for (const auto& [offset, length] : outside) {
    if (!it.blobs.get("blob", part, offset, length).ok()) continue;
    throw Broken("get of " + std::to_string(length) + " bytes from " + std::to_string(offset) +
                     " of 300000 was answered with PODIUM_OK",
                 "an error: less than was asked for is none");
  }
}

void lists(Context& context) {
  StorageSubject it(context);
  for (const char* key : {"a/1", "a/2", "ab", "b/1", "a"}) it.blobs.keep(key, std::string("12345"));
  using Keys = std::vector<std::string>;
  const std::pair<const char*, Keys> expected[] = {{"a/", {"a/1", "a/2"}},
                                                   {"a", {"a", "a/1", "a/2", "ab"}},
                                                   {"", {"a", "a/1", "a/2", "ab", "b/1"}},
                                                   {"c", {}}};
  for (const auto& [prefix, keys] : expected) {
    if (it.blobs.keys(prefix) != keys) {
      throw Broken("list of " + shown(prefix) + " gave " +
                       std::to_string(it.blobs.keys(prefix).size()) + " keys, not the right ones",
                   std::to_string(keys.size()) + ": every key with the prefix, once");
    }
  }
  must_succeed("list", it.blobs.list("", [](const Told& blob) {
    if (blob.length != 5) throw Broken("list said a length of " + bytes_of(blob.length), "5 bytes");
    return true;
  }));
}

void stops_listing(Context& context) {
  StorageSubject it(context);
  for (int i = 0; i < 10; ++i) it.blobs.keep("key" + std::to_string(i), "x");
  int seen = 0;
  must_succeed("list that was stopped", it.blobs.list("", [&](const Told&) { return ++seen < 3; }));
  if (seen != 3)
    throw Broken("each was called " + std::to_string(seen) + " times",
                 "3: it said false at the third");
}

void keeps_nothing_of_a_failed_source(Context& context) {
  StorageSubject it(context);
  const std::string beginning = noise(1'000'000, 1);
  it.blobs.keep("old", "as it was");
  const auto failing = [&] {
    return [inner = source_of(beginning)](char* buffer, std::size_t capacity) mutable {
      const std::int64_t count = inner(buffer, capacity);
      return count == 0 ? -1 : count;
    };
  };
  must_fail("put of a source that failed", it.blobs.put("new", failing()), PODIUM_CANCELLED,
            "PODIUM_CANCELLED");
  must_fail("put of a source that failed", it.blobs.put("old", failing()), PODIUM_CANCELLED,
            "PODIUM_CANCELLED");
  if (it.blobs.keys() != std::vector<std::string>{"old"})
    throw Broken("a put that failed left a key", "nothing new");
  must_be("get after a put that failed", it.blobs.content("old"), "as it was");
}

void wants_the_promised_length(Context& context) {
  StorageSubject it(context);
  for (const std::int64_t promised : {6, 4}) {
    if (it.blobs.put("blob", source_of("12345"), promised).ok()) {
      throw Broken("put took 5 bytes of a source that expected " + std::to_string(promised),
                   "an error");
    }
  }
  if (!it.blobs.keys().empty()) throw Broken("a put that failed left a key", "nothing new");
}

void takes_any_pieces(Context& context) {
  StorageSubject it(context);
  const std::string expected = noise(50'003, 1);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{4097}}) {
    must_succeed("put", it.blobs.put("blob", source_of(expected, piece)));
    must_be("get of what came in pieces of " + bytes_of(piece), it.blobs.content("blob"), expected);
  }
}

void stops_when_the_reader_leaves(Context& context) {
  StorageSubject it(context);
  it.blobs.keep("blob", noise(5'000'000, 1));
  int writes = 0;
  must_fail("get whose reader left", it.blobs.get_and_leave("blob", writes), PODIUM_CANCELLED,
            "PODIUM_CANCELLED");
  if (writes != 1)
    throw Broken("the sink was written to " + std::to_string(writes) + " times after it refused",
                 "no more");
}

void has_what_it_had(Context& context) {
  const Library library(context.settings.library);
  const auto first = make_storage(context, library);
  Blobs(*first).keep("kept", "content");
  Blobs(*first).keep("gone", "content");
  must_succeed("remove", Blobs(*first).remove("gone"));
  first->destroy();
  const auto second = make_storage(context, library);
  if (Blobs(*second).keys() != std::vector<std::string>{"kept"})
    throw Broken("another instance lists other keys", "\"kept\"");
  must_be("get by another instance", Blobs(*second).content("kept"), "content");
}

std::size_t at_a_time(const MadeStorage& made, std::size_t wanted) {
  return made->max_concurrency == 0 ? wanted : std::min<std::size_t>(wanted, made->max_concurrency);
}

void never_mixes(Context& context) {
  StorageSubject it(context);
  const std::size_t threads = at_a_time(*it.made, 6);
  if (threads < 2) throw NotRun("its max_concurrency is 1");
  std::vector<std::string> contents;
  for (std::uint64_t i = 0; i < threads; ++i) contents.push_back(noise(300'000 + i * 1000, i));
  it.blobs.keep("blob", contents[0]);
  std::vector<std::function<void()>> bodies;
  std::atomic<std::size_t> writing{threads / 2};
  for (std::size_t i = 0; i < threads / 2; ++i) {
    bodies.push_back([&, i] {
      const struct Done {
        std::atomic<std::size_t>& left;
        ~Done() { --left; }
      } done{writing};
      for (int round = 0; round < 15; ++round) it.blobs.keep("blob", contents[i]);
    });
  }
  for (std::size_t i = threads / 2; i < threads; ++i) {
    bodies.push_back([&] {
      do {
        const std::string got = it.blobs.content("blob");
        if (std::find(contents.begin(), contents.end(), got) == contents.end()) {
          throw Broken(
              "a get beside puts of the same key gave " + bytes_of(got.size()) + " that nobody put",
              "one of the contents, whole");
        }
      } while (writing > 0);
    });
  }
  in_threads(bodies);
}

void overlaps(Context& context) {
  StorageSubject it(context);
  std::vector<std::function<void()>> bodies;
  for (std::size_t i = 0; i < at_a_time(*it.made, 8); ++i) {
    bodies.push_back([&, key = "key" + std::to_string(i)] {
      for (int round = 0; round < 20; ++round) {
        const std::string content =
            noise(1000, static_cast<std::uint64_t>(round % 3));  // the same for many
        it.blobs.keep(key, content);
        must_be("get beside calls for other keys", it.blobs.content(key), content);
        must_succeed("remove", it.blobs.remove(key));
      }
    });
  }
  in_threads(bodies);
  if (!it.blobs.keys().empty()) throw Broken("keys are left after all were removed", "none");
}

}  // namespace

std::vector<Case> storage_cases() {
  constexpr Kind kKind = Kind::kStorage;
  return {
      {"storage/sizes", "what was put is given back, from nothing to 64 MiB", kKind, false,
       keeps_every_size},
      {"storage/nul_bytes", "a content may have any bytes", kKind, false, keeps_nul_bytes},
      {"storage/pieces",
       "a source gives as much at a time as it likes, and need not say its length", kKind, false,
       takes_any_pieces},
      {"storage/hostile_keys", "a key may have any bytes, and no two keys are the same", kKind,
       false, tells_hostile_keys_apart},
      {"storage/key_bounds", "a key is 1 to 200 bytes", kKind, false, bounds_keys},
      {"storage/overwrite", "put replaces a former blob as a whole", kKind, false,
       replaces_as_a_whole},
      {"storage/missing", "get and head of an unknown key are PODIUM_NOT_FOUND", kKind, false,
       knows_what_is_missing},
      {"storage/remove", "remove removes, and removing what is not there is PODIUM_OK", kKind,
       false, removes},
      {"storage/ranges", "get gives exactly the range, and fails when the blob ends before it",
       kKind, false, gives_ranges},
      {"storage/list", "list calls each for every key with the prefix, once", kKind, false, lists},
      {"storage/list_stops", "list ends when each says false", kKind, false, stops_listing},
      {"storage/failed_source", "nothing of a put is visible whose source failed", kKind, false,
       keeps_nothing_of_a_failed_source},
      {"storage/promised_length", "a source that gives another length than it said makes put fail",
       kKind, false, wants_the_promised_length},
      {"storage/refusing_sink", "get ends with PODIUM_CANCELLED when the reader leaves", kKind,
       false, stops_when_the_reader_leaves},
      {"storage/durable", "another instance with the same options has what the former had", kKind,
       false, has_what_it_had},
      {"storage/never_mixes", "get gives one content whole while others put the same key", kKind,
       false, never_mixes},
      {"storage/overlap", "calls at a time, up to max_concurrency, do not disturb each other",
       kKind, false, overlaps},
  };
}

}  // namespace podium::conform
