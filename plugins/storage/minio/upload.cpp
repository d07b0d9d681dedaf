#include "upload.hpp"

#include <sys/mman.h>

#include <new>

namespace podium::s3 {

namespace {

using sdk::Error;

void check_length(const sdk::Source& source, std::uint64_t size) {
  if (!source.expected() || *source.expected() == size) return;
  throw Error(PODIUM_INVALID_ARGUMENT, "the source promised " + std::to_string(*source.expected()) +
                                           " bytes and gave " + std::to_string(size));
}

}  // namespace

PartBuffer::PartBuffer(std::size_t capacity, bool hashed)
    : data_(static_cast<char*>(
          mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))),
      capacity_(capacity),
      hashed_(hashed) {
  if (data_ == MAP_FAILED) throw std::bad_alloc();
  clear();
}

PartBuffer::PartBuffer(PartBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      capacity_(other.capacity_),
      size_(other.size_),
      hashed_(other.hashed_),
      digest_(std::move(other.digest_)) {}

PartBuffer::~PartBuffer() {
  if (data_ != nullptr) munmap(data_, capacity_);
}

bool PartBuffer::fill(const sdk::Source& source) {
  while (size_ < capacity_) {
    const std::size_t count = source.read(data_ + size_, capacity_ - size_);
    if (count == 0) return false;
    if (hashed_) digest_->update({data_ + size_, count});
    size_ += count;
  }
  return true;
}

void PartBuffer::clear() {
  size_ = 0;
  if (hashed_) digest_.emplace();
}

std::string PartBuffer::sha256() { return hashed_ ? digest_->hex() : std::string(); }

MultipartUpload::MultipartUpload(Client& client, sdk::Host host, std::string object,
                                 std::string doing)
    : object_(client, host, std::move(object), std::move(doing)), sender_([this] { run(); }) {}

MultipartUpload::~MultipartUpload() { stop(); }

void MultipartUpload::stop() noexcept {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (sender_.joinable()) sender_.join();
}

void MultipartUpload::run() noexcept {
  std::unique_lock lock(mutex_);
  for (std::uint32_t number = 1;; ++number) {
    changed_.wait(lock, [&] { return stopping_ || part_ != nullptr; });
    if (part_ == nullptr) return;
    PartBuffer& part = *part_;
    lock.unlock();
    std::exception_ptr error;
    try {
      object_.send(number, {{part.content()}, part.sha256()});
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    part_ = nullptr;
    error_ = error;
    changed_.notify_all();
    if (error) return;
  }
}

void MultipartUpload::wait_until_sent(std::unique_lock<std::mutex>& lock) {
  changed_.wait(lock, [&] { return part_ == nullptr || error_; });
  if (error_) std::rethrow_exception(error_);
}

void MultipartUpload::send(PartBuffer& part) {
  std::unique_lock lock(mutex_);
  wait_until_sent(lock);
  part_ = &part;
  changed_.notify_all();
}

void MultipartUpload::complete(std::uint64_t size) {
  {
    std::unique_lock lock(mutex_);
    wait_until_sent(lock);
  }
  object_.complete(size);
}

void upload(Client& client, const sdk::Host& host, const std::string& object,
            const std::string& doing, const sdk::Source& source) {
  const std::size_t part_size = client.settings().part_size;
  const bool hashed = client.settings().sign_payload && !client.settings().tls;
  PartBuffer first(part_size, hashed), second(part_size, hashed);
  const bool more = first.fill(source) && second.fill(source);
  std::uint64_t size = first.content().size() + second.content().size();
  if (!more) {
    check_length(source, size);
    Payload payload{{first.content()}, ""};
    if (second.content().empty()) {
      payload.sha256 = first.sha256();
    } else {
      payload.pieces.push_back(second.content());
    }
    client.call(doing, {"PUT", object, {}, {}}, payload);
    return;
  }

  MultipartUpload parts(client, host, object, doing);
  parts.send(first);
  parts.send(second);  // returns when the first is free
  PartBuffer* next = &first;
  for (bool end = false; !end;) {
    next->clear();
    end = !next->fill(source);
    size += next->content().size();
    if (next->content().empty()) break;
    parts.send(*next);
    next = next == &first ? &second : &first;
  }
  check_length(source, size);
  parts.complete(size);
}

}  // namespace podium::s3
