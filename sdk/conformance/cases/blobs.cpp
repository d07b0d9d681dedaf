#include "blobs.hpp"

#include <algorithm>
#include <mutex>
#include <thread>

namespace podium::conform {
namespace {

std::string text(podium_bytes value) { return std::string(sdk::view(value)); }

}  // namespace

Answer Blobs::put(std::string_view key, const TestSource& source, std::int64_t expected) {
  TestSource copy = source;
  const podium_source abi{sizeof abi, &copy, expected,
                          [](void* ctx, char* buffer, std::size_t capacity) {
                            return (*static_cast<TestSource*>(ctx))(buffer, capacity);
                          },
                          nullptr};
  return ask("put", [&](podium_error* error) {
    return made_->put(made_.self(), sdk::bytes(key), &abi, error);
  });
}

Answer Blobs::get(std::string_view key, std::string& out, std::uint64_t offset,
                  std::uint64_t length) {
  out.clear();
  const podium_sink sink{sizeof sink, &out, [](void* ctx, podium_bytes chunk) {
                           static_cast<std::string*>(ctx)->append(sdk::view(chunk));
                           return true;
                         }};
  return ask("get", [&](podium_error* error) {
    return made_->get(made_.self(), sdk::bytes(key), offset, length, &sink, error);
  });
}

Answer Blobs::get_and_leave(std::string_view key, int& writes) {
  writes = 0;
  const podium_sink sink{sizeof sink, &writes, [](void* ctx, podium_bytes) {
                           ++*static_cast<int*>(ctx);
                           return false;
                         }};
  return ask("get", [&](podium_error* error) {
    return made_->get(made_.self(), sdk::bytes(key), 0, UINT64_MAX, &sink, error);
  });
}

Answer Blobs::head(std::string_view key, Told& out) {
  podium_blob blob{};
  blob.size = sizeof blob;
  const Answer answer = ask("head", [&](podium_error* error) {
    return made_->head(made_.self(), sdk::bytes(key), &blob, error);
  });
  out = {std::string(key), blob.length};
  return answer;
}

Answer Blobs::list(std::string_view prefix, const std::function<bool(const Told&)>& each) {
  struct Visit {
    const std::function<bool(const Told&)>& each;
    bool null = false;
  } visit{each};
  const Answer answer = ask("list", [&](podium_error* error) {
    return made_->list(
        made_.self(), sdk::bytes(prefix), &visit,
        [](void* ctx, const podium_blob* blob) {
          auto& to = *static_cast<Visit*>(ctx);
          if (blob == nullptr) return to.null = true, false;
          return to.each({text(blob->key), blob->length});
        },
        error);
  });
  if (visit.null) throw Broken("list called each with NULL", "a blob");
  return answer;
}

Answer Blobs::remove(std::string_view key) {
  return ask("remove", [&](podium_error* error) {
    return made_->remove(made_.self(), sdk::bytes(key), error);
  });
}

void Blobs::keep(std::string_view key, std::string_view content) {
  const Answer answer = put(key, content);
  if (answer.ok()) return;
  throw Broken("put of " + shown(key) + ", " + std::to_string(content.size()) +
                   " bytes, answered " + told(answer),
               "PODIUM_OK");
}

std::string Blobs::content(std::string_view key) {
  std::string out;
  const Answer answer = get(key, out);
  if (!answer.ok())
    throw Broken("get of " + shown(key) + " answered " + told(answer), "what was put");
  return out;
}

std::vector<std::string> Blobs::keys(std::string_view prefix) {
  std::vector<std::string> found;
  must_succeed("list", list(prefix, [&](const Told& blob) {
                 found.push_back(blob.key);
                 return true;
               }));
  std::sort(found.begin(), found.end());
  return found;
}

std::string bytes_of(std::size_t size) { return std::to_string(size) + " bytes"; }

void must_be(const std::string& what, const std::string& got, const std::string& expected) {
  if (got == expected) return;
  const auto at =
      std::mismatch(got.begin(), got.end(), expected.begin(), expected.end()).first - got.begin();
  throw Broken(what + " gave " + bytes_of(got.size()) + ", wrong from byte " + std::to_string(at),
               bytes_of(expected.size()) + " as they were put");
}

void in_threads(const std::vector<std::function<void()>>& bodies) {
  std::mutex mutex;
  std::exception_ptr thrown;
  std::vector<std::thread> threads;
  for (const auto& body : bodies) {
    threads.emplace_back([&] {
      try {
        body();
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!thrown) thrown = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (thrown) std::rethrow_exception(thrown);
}

void exercise(Context&, MadeStorage& made) {
  Blobs blobs(made);
  std::string out;
  Told told;
  int writes = 0;
  static_cast<void>(blobs.put("exercise", "content"));
  static_cast<void>(blobs.get("exercise", out));
  static_cast<void>(blobs.get("exercise", out, 100, 1));
  static_cast<void>(blobs.get_and_leave("exercise", writes));
  static_cast<void>(blobs.head("exercise", told));
  static_cast<void>(blobs.put("exercise", [](char*, std::size_t) { return -1; }));
  static_cast<void>(blobs.get("nothing of that name", out));
  static_cast<void>(blobs.head("nothing of that name", told));
  static_cast<void>(blobs.put("", "content"));
  static_cast<void>(blobs.put(std::string(201, 'k'), "content"));
  static_cast<void>(blobs.list("", [](const Told&) { return true; }));
  static_cast<void>(blobs.list("", [](const Told&) { return false; }));
  static_cast<void>(blobs.remove("exercise"));
  static_cast<void>(blobs.remove("exercise"));
}

}  // namespace podium::conform
