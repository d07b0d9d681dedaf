#include "http/hang_up.hpp"

#include <sys/epoll.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/failure.hpp"

namespace podium {

/// An epoll(7) of its own: Asio cannot ask for EPOLLRDHUP, which stands for the end of the stream
/// whatever lies before it unread. It is watched itself, by the one of Asio.
struct HangUp::State {
  State(asio::io_context& io, std::function<void()> told)
      : epoll(io, ::epoll_create1(EPOLL_CLOEXEC)), on_hang_up(std::move(told)) {}

  asio::posix::basic_stream_descriptor<IoExecutor> epoll;
  std::function<void()> on_hang_up;
};

HangUp::HangUp(asio::io_context& io, int socket, std::function<void()> on_hang_up) try
    : state_(std::make_shared<State>(io, std::move(on_hang_up))) {
  epoll_event event{};
  event.events = EPOLLRDHUP;  // EPOLLHUP and EPOLLERR come unasked
  if (::epoll_ctl(state_->epoll.native_handle(), EPOLL_CTL_ADD, socket, &event) != 0) {
    throw Failure(Code::kUnavailable, std::string("epoll_ctl: ") + std::strerror(errno));
  }
  state_->epoll.async_wait(asio::posix::descriptor_base::wait_read,
                           [state = state_](const boost::system::error_code& ec) {
                             const auto told = std::exchange(state->on_hang_up, nullptr);
                             if (!ec && told) told();
                           });
} catch (const boost::system::system_error& error) {
  throw Failure(Code::kUnavailable, std::string("cannot watch a connection: ") + error.what());
}

HangUp::~HangUp() {
  state_->on_hang_up = nullptr;
  boost::system::error_code ignored;
  state_->epoll.close(ignored);
}

}  // namespace podium
