// A storage that forgets everything at its end. It takes one call at a time, locks nothing, and
// fails when the host lets two in.
#include <podium/plugin.hpp>

#include <atomic>
#include <map>
#include <string>
#include <thread>

namespace {

using namespace podium::sdk;

class Memory final : public Storage, public Maintenance {
 public:
  static constexpr podium_option kOptions[] = {
      option_size("room", "1MiB", "How much all blobs may hold"),
      option_secret("key", "", "A secret that does nothing"),
  };

  Memory(Host host, const Options& options) : host_(host), room_(options.size("room")) {}
  ~Memory() override { host_.info("memory down"); }

  std::uint32_t max_concurrency() const noexcept override { return 1; }

  void put(std::string_view key, const Source& source) override {
    Turn turn(*this);
    std::string content;
    char piece[1000];
    while (std::size_t n = source.read(piece, sizeof piece)) {
      content.append(piece, n);
      if (content.size() > room_) throw Error(PODIUM_RESOURCE_EXHAUSTED, "no room");
    }
    blobs_[std::string(key)] = std::move(content);
  }
  void get(std::string_view key, std::uint64_t offset, std::uint64_t length,
           const BlobSink& sink) override {
    Turn turn(*this);
    const std::string& content = find(key);
    if (offset > content.size()) throw Error(PODIUM_INVALID_ARGUMENT, "offset beyond the end");
    sink.write(std::string_view(content).substr(offset, length));
  }
  Blob head(std::string_view key) override {
    Turn turn(*this);
    return {{}, find(key).size(), 1000};
  }
  void list(std::string_view prefix, const BlobVisitor& each) override {
    Turn turn(*this);
    for (const auto& [key, content] : blobs_) {
      if (key.starts_with(prefix) && !each({key, content.size(), 1000})) return;
    }
  }
  void remove(std::string_view key) override {
    Turn turn(*this);
    blobs_.erase(std::string(key));
  }
  void sweep() override { host_.info("memory swept"); }

 private:
  /// One call; throws when another one is inside.
  class Turn {
   public:
    explicit Turn(Memory& memory) : inside_(memory.inside_) {
      if (inside_.exchange(true)) throw Error(PODIUM_INTERNAL, "two calls at a time");
      std::this_thread::yield();  // so that a second one has the time to come
    }
    ~Turn() { inside_ = false; }

   private:
    std::atomic<bool>& inside_;
  };

  const std::string& find(std::string_view key) {
    auto found = blobs_.find(std::string(key));
    if (found == blobs_.end()) throw Error(PODIUM_NOT_FOUND, "no such blob");
    return found->second;
  }

  Host host_;
  std::uint64_t room_;
  std::atomic<bool> inside_{false};
  std::map<std::string, std::string> blobs_;
};

}  // namespace

PODIUM_STORAGE_PLUGIN(Memory, "org.podium.test.memory", "1.0.0", "Blobs in memory");
