// Load generator of tests/bench: compiled, because an interpreted one measures itself. Each command
// prints one JSON object; times are milliseconds.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

extern char** environ;

namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point from) {
  return std::chrono::duration<double, std::milli>(Clock::now() - from).count();
}

std::string summary(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  const auto at = [&](double q) {
    return times.empty()
               ? 0.0
               : times[std::min(times.size() - 1,
                                static_cast<std::size_t>(q * static_cast<double>(times.size())))];
  };
  char text[256];
  std::snprintf(text, sizeof text, "\"n\":%zu,\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"max\":%.3f",
                times.size(), at(0.5), at(0.9), at(0.99), times.empty() ? 0.0 : times.back());
  return text;
}

struct Arguments {
  std::map<std::string, std::string> named;
  std::vector<std::string> rest;

  Arguments(int argc, char** argv) {
    int i = 2;
    for (; i < argc; ++i) {
      const std::string word = argv[i];
      if (word == "--") break;
      if (!word.starts_with("--") || i + 1 >= argc)
        throw std::runtime_error("what is " + word + "?");
      named[word.substr(2)] = argv[++i];
    }
    for (++i; i < argc; ++i) rest.emplace_back(argv[i]);
  }
  std::string text(const std::string& name, const std::string& otherwise = "") const {
    const auto at = named.find(name);
    return at == named.end() ? otherwise : at->second;
  }
  long number(const std::string& name, long otherwise) const {
    const auto at = named.find(name);
    return at == named.end() ? otherwise : std::stol(at->second);
  }
};

int connect_to(long port, bool blocking = true) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
  }
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (!blocking) ::fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

void send_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::send(fd, data, size, MSG_NOSIGNAL);
    if (n <= 0) throw std::runtime_error(std::string("send: ") + std::strerror(errno));
    data += n;
    size -= static_cast<std::size_t>(n);
  }
}

std::string read_to_end(int fd) {
  std::string text;
  char buffer[65536];
  for (ssize_t n; (n = ::recv(fd, buffer, sizeof buffer, 0)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return text;
}

std::string quote(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string exec_request(const Arguments& a) {
  if (!a.text("path").empty()) {  // of another server, or something else of ours
    const std::string body = a.text("body");
    return (body.empty() ? "GET " : "POST ") + a.text("path") +
           " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n"
           "Content-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  std::string body =
      "{\"lang\":" + quote(a.text("lang", "bash")) + ",\"code\":" + quote(a.text("code", "true"));
  if (!a.text("files").empty()) body += ",\"files\":" + a.text("files");
  body += "}";
  return "POST /exec HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nX-API-Key: " +
         a.text("key") + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// One request on a connection of its own. `expect` must occur in the answer.
double one_exec(long port, const std::string& request, const std::string& expect) {
  const auto from = Clock::now();
  const int fd = connect_to(port);
  send_all(fd, request.data(), request.size());
  const std::string answer = read_to_end(fd);
  const double ms = ms_since(from);
  ::close(fd);
  if (answer.find(expect) == std::string::npos) throw std::runtime_error("answer: " + answer);
  return ms;
}

/// `one` by --clients in a closed loop, or by one client at --rate a second.
template <class One>
int measure(const Arguments& a, const One& one) {
  const long n = a.number("n", 200), clients = a.number("clients", 1), rate = a.number("rate", 0);
  std::vector<std::vector<double>> times(static_cast<std::size_t>(clients));
  std::vector<std::thread> threads;
  const auto from = Clock::now();
  for (auto& mine : times) {
    threads.emplace_back([&] {
      auto next = Clock::now();
      for (long i = 0; i < n / clients; ++i) {
        if (rate > 0) {
          next += std::chrono::microseconds(1'000'000 / rate);
          std::this_thread::sleep_until(next);
        }
        mine.push_back(one());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const double seconds = ms_since(from) / 1000;
  std::vector<double> all;
  for (const auto& mine : times) all.insert(all.end(), mine.begin(), mine.end());
  std::printf("{%s,\"per_second\":%.1f}\n", summary(all).c_str(),
              static_cast<double>(all.size()) / seconds);
  return 0;
}

int exec_command(const Arguments& a) {
  const std::string request = exec_request(a);
  const std::string expect = a.text("expect", "\"status\":\"completed\"");
  const long port = a.number("port", 8000);
  for (long i = 0; i < a.number("warm-up", 5); ++i) one_exec(port, request, expect);
  return measure(a, [&] { return one_exec(port, request, expect); });
}

/// posix_spawn of a command and the wait for it.
double one_spawn(const std::vector<std::string>& command) {
  std::vector<char*> words;
  for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const auto from = Clock::now();
  pid_t pid = -1;
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  if (::posix_spawnp(&pid, words[0], &actions, nullptr, words.data(), environ) != 0) {
    throw std::runtime_error("cannot spawn " + command[0]);
  }
  ::posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (status != 0) throw std::runtime_error(command[0] + " failed with " + std::to_string(status));
  return ms_since(from);
}

int spawn_command(const Arguments& a) {
  return measure(a, [&] { return one_spawn(a.rest); });
}

long rss_kib(long pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("VmRSS:")) return std::stol(line.substr(6));
  }
  return -1;
}

/// Many clients whose runs wait: the first byte, the gaps between beats, the daemon's memory.
int waiters_command(const Arguments& a) {
  const long clients = a.number("clients", 5000), port = a.number("port", 8000);
  const rlimit files{65536, 65536};
  ::setrlimit(RLIMIT_NOFILE, &files);
  struct Waiter {
    int fd;
    Clock::time_point asked, last;
    bool first = false, body = false;
    std::string head;
  };
  std::vector<Waiter> waiters;
  const std::string request = exec_request(a);
  const int epoll = ::epoll_create1(0);
  std::vector<double> firsts, gaps;
  long closed = 0;
  const auto pump = [&](int timeout) {
    std::vector<epoll_event> events(1024);
    const int n = ::epoll_wait(epoll, events.data(), 1024, timeout);
    for (int i = 0; i < n; ++i) {
      Waiter& w = waiters[events[static_cast<std::size_t>(i)].data.u64];
      char buffer[4096];
      const ssize_t got = ::recv(w.fd, buffer, sizeof buffer, MSG_DONTWAIT);
      if (got <= 0) {
        if (got < 0 && errno == EAGAIN) continue;
        ::epoll_ctl(epoll, EPOLL_CTL_DEL, w.fd, nullptr);
        ++closed;
        continue;
      }
      const auto now = Clock::now();
      if (!w.first) {
        w.first = true;
        firsts.push_back(std::chrono::duration<double, std::milli>(now - w.asked).count());
      } else {
        gaps.push_back(std::chrono::duration<double, std::milli>(now - w.last).count());
      }
      w.last = now;
    }
  };
  waiters.reserve(static_cast<std::size_t>(clients));
  const long before = rss_kib(a.number("pid", 0));
  for (long i = 0; i < clients; ++i) {
    waiters.push_back({connect_to(port), Clock::now(), Clock::now(), false, false, {}});
    send_all(waiters.back().fd, request.data(), request.size());
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = static_cast<std::uint64_t>(i);
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, waiters.back().fd, &event);
    // Arrivals are spread: what is measured is waiting, not a burst of connects.
    if (i % 4 == 3) pump(1);
  }
  const auto until = Clock::now() + std::chrono::seconds(a.number("seconds", 12));
  long peak = 0;
  while (Clock::now() < until) {
    pump(50);
    peak = std::max(peak, rss_kib(a.number("pid", 0)));
  }
  for (const auto& w : waiters) ::close(w.fd);
  std::printf(
      "{\"clients\":%ld,\"answered\":%ld,\"first\":{%s},\"gap\":{%s},\"rss_before_kib\":%ld,"
      "\"rss_peak_kib\":%ld}\n",
      clients, closed, summary(firsts).c_str(), summary(gaps).c_str(), before, peak);
  return 0;
}

/// One upload of --bytes random-looking bytes, others for each --seed; prints the answer's ids too.
int upload_command(const Arguments& a) {
  const auto bytes = static_cast<std::size_t>(a.number("bytes", 250'000'000));
  std::string block(1u << 20, '\0');
  std::uint64_t x = 88172645463325252ull + static_cast<std::uint64_t>(a.number("seed", 0));
  for (char& c : block) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    c = static_cast<char>(x);
  }
  if (!a.text("to").empty()) {  // the same bytes as a file, for dd
    std::ofstream out(a.text("to"), std::ios::binary);
    for (std::size_t left = bytes; left > 0;) {
      const std::size_t n = std::min(left, block.size());
      out.write(block.data(), static_cast<std::streamsize>(n));
      left -= n;
    }
    return 0;
  }
  const std::string boundary = "----podium-bench";
  const std::string head = "--" + boundary +
                           "\r\nContent-Disposition: form-data; name=\"file\"; "
                           "filename=\"" +
                           a.text("name", "data.csv") +
                           "\"\r\nContent-Type: application/octet-stream\r\n\r\n";
  const std::string tail = "\r\n--" + boundary + "--\r\n";
  const std::string request =
      "POST /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: " + a.text("key") +
      "\r\nContent-Type: multipart/form-data; boundary=" + boundary +
      "\r\nContent-Length: " + std::to_string(head.size() + bytes + tail.size()) + "\r\n\r\n" +
      head;
  const long pid = a.number("pid", 0), before = rss_kib(pid);
  std::atomic<bool> done{false};
  long peak = before;
  std::thread watcher([&] {
    while (!done) {
      peak = std::max(peak, rss_kib(pid));
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  const auto from = Clock::now();
  const int fd = connect_to(a.number("port", 8000));
  send_all(fd, request.data(), request.size());
  for (std::size_t left = bytes; left > 0;) {
    const std::size_t n = std::min(left, block.size());
    send_all(fd, block.data(), n);
    left -= n;
  }
  send_all(fd, tail.data(), tail.size());
  const std::string answer = read_to_end(fd);
  const double ms = ms_since(from);
  ::close(fd);
  done = true;
  watcher.join();
  const auto body = answer.find("\r\n\r\n");
  if (answer.find("\"success\"") == std::string::npos)
    throw std::runtime_error("answer: " + answer);
  std::printf("{\"ms\":%.1f,\"mb_per_second\":%.1f,\"rss_growth_kib\":%ld,\"answer\":%s}\n", ms,
              static_cast<double>(bytes) / 1e3 / ms, peak - before,
              answer.substr(body + 4).c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string command = argc > 1 ? argv[1] : "";
    const Arguments a(argc, argv);
    if (command == "exec") return exec_command(a);
    if (command == "spawn") return spawn_command(a);
    if (command == "waiters") return waiters_command(a);
    if (command == "upload") return upload_command(a);
    std::fprintf(stderr, "usage: podium-bench exec|spawn|waiters|upload --OPTION VALUE...\n");
    return 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "podium-bench: %s\n", e.what());
    return 1;
  }
}
