#pragma once
/// One packet with descriptors, on a SOCK_SEQPACKET socket. Header-only: used by the plugins and
/// by the spawner alike.

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string_view>

namespace podium::sandbox {

inline constexpr std::size_t kMaxDescriptors = 16;

/// Sends `first` and `second` as one packet with descriptors. False with errno set; EINTR is
/// retried. No SIGPIPE.
inline bool send_packet(int socket, std::string_view first, std::string_view second = {},
                        std::span<const int> descriptors = {}, int flags = 0) noexcept {
  std::array<iovec, 2> parts{iovec{const_cast<char*>(first.data()), first.size()},
                             iovec{const_cast<char*>(second.data()), second.size()}};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxDescriptors)> control{};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = second.empty() ? 1 : 2;
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  ssize_t sent;
  do {
    sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | flags);
  } while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

template <class T>
std::string_view as_bytes(const T& value) noexcept {
  static_assert(std::is_trivially_copyable_v<T>);
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

template <class T>
bool send_struct(int socket, const T& value, std::span<const int> descriptors = {},
                 int flags = 0) noexcept {
  return send_packet(socket, as_bytes(value), {}, descriptors, flags);
}

/// A received packet. The descriptors that nobody takes are closed.
class Packet {
 public:
  Packet() = default;
  Packet(const Packet&) = delete;
  Packet& operator=(const Packet&) = delete;
  ~Packet() { drop(); }

  /// > 0: bytes placed in buffer; 0: the other end is closed; < 0: errno. A packet that is longer
  /// than the buffer or has too many descriptors is an error (EMSGSIZE).
  ssize_t receive(int socket, std::span<char> buffer, int flags = 0) noexcept {
    drop();
    iovec part{buffer.data(), buffer.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxDescriptors)> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t got;
    do {
      got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | flags);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return got;
    for (cmsghdr* h = CMSG_FIRSTHDR(&message); h != nullptr; h = CMSG_NXTHDR(&message, h)) {
      if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS) continue;
      const std::size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < n && count_ < kMaxDescriptors; ++i) {
        std::memcpy(&descriptors_[count_++], CMSG_DATA(h) + i * sizeof(int), sizeof(int));
      }
    }
    if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
      drop();
      errno = EMSGSIZE;
      return -1;
    }
    return got;
  }

  /// Waits for a packet, then takes it. A process that is killed while it waits has not taken one
  /// that comes at that moment: the sender learns that it was not read. (In recvmsg(2) it may
  /// wait, be killed, and take the packet with it.)
  ssize_t wait_and_receive(int socket, std::span<char> buffer) noexcept {
    pollfd event{socket, POLLIN, 0};
    while (::poll(&event, 1, -1) < 0 && errno == EINTR) {
    }
    return receive(socket, buffer);
  }

  std::size_t count() const noexcept { return count_; }
  int descriptor(std::size_t i) const noexcept { return i < count_ ? descriptors_[i] : -1; }
  /// The caller owns it from now on.
  int take(std::size_t i) noexcept {
    if (i >= count_) return -1;
    const int fd = descriptors_[i];
    descriptors_[i] = -1;
    return fd;
  }
  /// Closes those that are left, before the destructor would.
  void drop() noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
      if (descriptors_[i] >= 0) ::close(descriptors_[i]);
    }
    count_ = 0;
  }

 private:
  std::array<int, kMaxDescriptors> descriptors_{};
  std::size_t count_ = 0;
};

}  // namespace podium::sandbox
