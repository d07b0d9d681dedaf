#pragma once
/// Plugins by hand, and gates to hold them up.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/failure.hpp"
#include "plugin/interfaces.hpp"

namespace podium::test {

/// Threads stop at pass() while it is closed.
class Gate {
 public:
  void close() {
    std::lock_guard lock(mutex_);
    open_ = false;
  }
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++passing_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
    --passing_;
  }
  /// How many stand in it now.
  unsigned held() const {
    std::lock_guard lock(mutex_);
    return open_ ? 0 : passing_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  unsigned passing_ = 0;
};

template <class Kind>
class FakeInstance : public Kind {
 public:
  explicit FakeInstance(std::string name) : name_(std::move(name)) {}
  const std::string& name() const noexcept override { return name_; }
  const std::string& plugin_id() const noexcept override { return name_; }
  Health check_health(milliseconds) noexcept override { return {}; }
  void collect_metrics(const std::function<void(const Metrics::Sample&)>&) override {}

 private:
  std::string name_;
};

/// Blobs as files of a folder, mode 0666, named by their keys.
class FakeStorage : public FakeInstance<Storage> {
 public:
  explicit FakeStorage(std::filesystem::path folder)
      : FakeInstance("files"), folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
  }

  Gate put_gate, get_gate, list_gate, part_gate;
  std::string gated;  ///< the only key whose gets pass the gate; empty: all. To be set before
  std::atomic<Bytes> parts_of{0};  ///< bytes; 0: takes none
  std::atomic<unsigned> parts{0}, finished{0}, taken_back{0};
  std::atomic<bool> local{true}, broken{false}, adopts{false};
  std::atomic<unsigned> puts{0}, adoptions{0}, calls{0}, sweeps{0};

  void put(const std::string& key, Source& source) override {
    ++calls;
    put_gate.pass();
    if (broken) throw Failure(Code::kUnavailable, "the disk of the fake is gone");
    const auto part = folder_ / ("part." + key);
    try {
      std::ofstream out(part, std::ios::binary);
      char buffer[64 << 10];
      while (const std::size_t got = source.read(buffer, sizeof buffer)) {
        out.write(buffer, static_cast<std::streamsize>(got));
        put_gate.pass();
      }
    } catch (...) {
      std::filesystem::remove(part);
      throw;
    }
    ::chmod(part.c_str(), 0666);
    std::filesystem::rename(part, path(key));
    ++puts;
  }
  void get(const std::string& key, Bytes offset, Bytes length,
           const std::function<bool(std::string_view)>& write) override {
    ++calls;
    const std::string text = content(key);
    for (Bytes at = offset; at < offset + length; at += 1000) {
      if (gated.empty() || key == gated) get_gate.pass();
      const Bytes size = std::min<Bytes>(1000, offset + length - at);
      if (!write(std::string_view(text).substr(at, size))) {
        throw Failure(Code::kCancelled, "the reader left");
      }
    }
  }
  std::optional<BlobInfo> head(const std::string& key) override {
    ++calls;
    if (!std::filesystem::exists(path(key))) return std::nullopt;
    return BlobInfo{key, std::filesystem::file_size(path(key)), modified(key)};
  }
  void list(const std::string&, const std::function<bool(const BlobInfo&)>& each) override {
    ++calls;
    list_gate.pass();
    for (const std::string& key : keys()) {
      if (!each(BlobInfo{key, 0, modified(key)})) return;
    }
  }
  void remove(const std::string& key) override {
    ++calls;
    std::filesystem::remove(path(key));
  }
  bool has_local_files() const noexcept override { return local; }
  UniqueFd open_local(const std::string& key) override {
    ++calls;
    get_gate.pass();
    UniqueFd fd(::open(path(key).c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) throw Failure(Code::kNotFound, "no such blob");
    return fd;
  }
  bool adopt(const std::string& key, int descriptor, Bytes, const std::string&) override {
    if (!adopts) return false;
    ++calls;
    put_gate.pass();
    const std::string file = "/proc/self/fd/" + std::to_string(descriptor);
    if (::linkat(AT_FDCWD, file.c_str(), AT_FDCWD, path(key).c_str(), AT_SYMLINK_FOLLOW) != 0) {
      return false;
    }
    ++adoptions;
    return true;
  }
  Bytes part_size() const noexcept override { return parts_of; }
  std::unique_ptr<PartedPut> begin_parts(const std::string& key) override;
  void sweep() override { ++sweeps; }

  std::filesystem::path path(const std::string& key) const { return folder_ / key; }
  /// Everything in the folder: blobs and parts of blobs.
  std::vector<std::string> keys() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      found.push_back(entry.path().filename().string());
    }
    return found;
  }
  std::string content(const std::string& key) const {
    std::ifstream in(path(key), std::ios::binary);
    if (!in) throw Failure(Code::kNotFound, "no such blob");
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  void set_modified(const std::string& key, EpochMs time) {
    std::lock_guard lock(mutex_);
    modified_[key] = time;
  }

 private:
  EpochMs modified(const std::string& key) const {
    std::lock_guard lock(mutex_);
    const auto found = modified_.find(key);
    return found == modified_.end() ? epoch_ms_now() : found->second;
  }

  const std::filesystem::path folder_;
  mutable std::mutex mutex_;
  std::map<std::string, EpochMs> modified_;
};

/// One content of FakeStorage in the making.
class FakeParts : public PartedPut {
 public:
  FakeParts(FakeStorage& storage, std::string key) : storage_(storage), key_(std::move(key)) {}
  ~FakeParts() override {
    if (!finished_) ++storage_.taken_back;
  }
  void put(std::uint32_t number, int descriptor, Bytes offset, Bytes length) override {
    storage_.part_gate.pass();
    if (storage_.broken) throw Failure(Code::kUnavailable, "the store of the fake is gone");
    std::string text(length, '\0');
    const ssize_t got = ::pread(descriptor, text.data(), length, static_cast<off_t>(offset));
    if (got != static_cast<ssize_t>(length)) throw Failure(Code::kInternal, "a short part");
    std::lock_guard lock(mutex_);
    content_[number] = std::move(text);
    ++storage_.parts;
  }
  void finish(Bytes length) override {
    std::string whole;
    for (const auto& [number, text] : content_) whole += text;
    if (whole.size() != length) throw Failure(Code::kInternal, "parts of another length");
    std::ofstream(storage_.path(key_), std::ios::binary) << whole;
    finished_ = true;
    ++storage_.finished;
  }

 private:
  FakeStorage& storage_;
  const std::string key_;
  std::mutex mutex_;
  std::map<std::uint32_t, std::string> content_;
  bool finished_ = false;
};

inline std::unique_ptr<PartedPut> FakeStorage::begin_parts(const std::string& key) {
  ++calls;
  return std::make_unique<FakeParts>(*this, key);
}

/// A run of FakeRuntime, for the test to drive. The request's borrowed parts are gone.
struct FakeRun {
  RunRequest request;
  RunEvents* events = nullptr;
  std::atomic<unsigned> cancels{0};
  std::atomic<bool> completed{false}, released{false};
  std::string input;  ///< what was written while it ran; this and the next ones: I/O thread
  bool input_ended = false;
  std::size_t input_room = 1u << 20;
  bool tells_room = false;

  void complete(Completion completion) {
    if (!completed.exchange(true)) events->on_completed(std::move(completion));
  }
  void exit(int code) {
    Completion completion;
    completion.exit_code = code;
    complete(std::move(completion));
  }
};

class FakeRuntime : public FakeInstance<Runtime> {
 public:
  explicit FakeRuntime(std::string name = "jobs") : FakeInstance(std::move(name)) {}

  /// Called inside start, on its thread; by default the program exits with 0 at once.
  std::function<void(FakeRun&)> behaviour = [](FakeRun& run) { run.exit(0); };
  std::atomic<bool> own = true;
  std::atomic<bool> talks = false;
  Gate release_gate;
  std::atomic<unsigned> released{0};

  bool own_workspace() const noexcept override { return own; }
  bool takes_input() const noexcept override { return talks; }
  std::unique_ptr<Lease> start(const RunRequest& request, RunEvents& events) override {
    auto run = std::make_shared<FakeRun>();
    run->request = request;
    run->events = &events;
    runs.push_back(run);
    try {
      behaviour(*run);
    } catch (...) {
      run->completed = true;  // nothing was started, so nothing will be heard
      throw;
    }
    return std::make_unique<FakeLease>(*this, run);
  }

  std::vector<std::shared_ptr<FakeRun>> runs;  ///< I/O thread

 private:
  class FakeLease : public Lease {
   public:
    bool write_input(std::string_view data) override {
      if (run_->input_room < data.size()) return false;
      run_->input_room -= data.size();
      run_->input += data;
      if (run_->input_ended) run_->input += " after the end";
      return true;
    }
    bool tells_input_room() const noexcept override { return run_->tells_room; }
    void close_input() override { run_->input_ended = true; }

    FakeLease(FakeRuntime& runtime, std::shared_ptr<FakeRun> run)
        : runtime_(runtime), run_(std::move(run)) {}
    ~FakeLease() override {
      runtime_.release_gate.pass();
      run_->released = true;
      ++runtime_.released;
    }
    void cancel() noexcept override {
      ++run_->cancels;
      Completion completion;
      completion.failure = Failure(Code::kCancelled, "cancelled");
      completion.signal = 9;
      run_->complete(std::move(completion));
    }

   private:
    FakeRuntime& runtime_;
    std::shared_ptr<FakeRun> run_;
  };
};

}  // namespace podium::test
