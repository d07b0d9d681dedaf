#include "daemon/notify.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/fd.hpp"

namespace podium {
namespace {

/// The end of a service manager: a datagram socket under a name, which is what NOTIFY_SOCKET says.
class NotifySocket : public testing::Test {
 protected:
  void TearDown() override {
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("WATCHDOG_USEC");
    if (!name_.empty() && name_[0] == '/') ::unlink(name_.c_str());
  }

  void listen(const std::string& name) {
    name_ = name;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    ASSERT_LT(name.size(), sizeof address.sun_path);
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    socket_ = UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address),
                     static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())),
              0)
        << std::strerror(errno);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }

  /// What has arrived; empty when nothing has. Local datagrams are there when send() returns.
  std::string received() {
    std::array<char, 512> buffer{};
    const ssize_t n = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    return n > 0 ? std::string(buffer.data(), static_cast<std::size_t>(n)) : std::string();
  }

  UniqueFd socket_;
  std::string name_;
};

TEST_F(NotifySocket, IsToldTheStateAtAPath) {
  listen(testing::TempDir() + "podium-notify-" + std::to_string(::getpid()));

  notify_service_manager("READY=1");

  EXPECT_EQ(received(), "READY=1");
}

TEST_F(NotifySocket, IsToldTheStateAtAnAbstractName) {
  listen("@podium-notify-" + std::to_string(::getpid()));

  notify_service_manager("STOPPING=1");

  EXPECT_EQ(received(), "STOPPING=1");
}

TEST_F(NotifySocket, LearnsOfAReloadSinceWhenToo) {
  listen("@podium-notify-" + std::to_string(::getpid()));

  notify_service_manager("RELOADING=1");

  const std::string state = received();
  EXPECT_EQ(state.find("RELOADING=1\nMONOTONIC_USEC="), 0u) << state;
  EXPECT_GT(std::stoll(state.substr(state.rfind('=') + 1)), 0);
}

TEST_F(NotifySocket, MayBeGoneWithoutHarm) {
  ::setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
  notify_service_manager("READY=1");

  ::setenv("NOTIFY_SOCKET", std::string(300, '/').c_str(), 1);
  notify_service_manager("READY=1");

  ::unsetenv("NOTIFY_SOCKET");
  notify_service_manager("READY=1");
}

TEST_F(NotifySocket, WatchdogIsWhatTheManagerSaysInMicroseconds) {
  EXPECT_EQ(watchdog_interval(), std::nullopt);
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  EXPECT_EQ(watchdog_interval(), std::chrono::seconds(30));
  for (const char* nonsense : {"", "0", "-5", "soon"}) {
    ::setenv("WATCHDOG_USEC", nonsense, 1);
    EXPECT_EQ(watchdog_interval(), std::nullopt) << nonsense;
  }
}

}  // namespace
}  // namespace podium
