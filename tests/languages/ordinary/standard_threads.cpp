#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <future>
#include <iostream>
#include <latch>
#include <map>
#include <memory_resource>
#include <random>
#include <regex>
#include <thread>
#include <vector>

int main() {
  std::latch all(8);
  std::atomic<int> sum = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back([&, i] { sum += i; all.count_down(); });
    all.wait();
  }
  auto later = std::async(std::launch::async, [] { return std::random_device{}() >= 0; });
  namespace fs = std::filesystem;
  fs::create_directories("a/b");
  fs::copy("a", "c", fs::copy_options::recursive);
  const bool matched = std::regex_match("abc123", std::regex("[a-z]+\\d+"));
  try {
    std::map<int, int>{}.at(3);
  } catch (const std::out_of_range&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (sum == 28 && later.get() && matched && fs::remove_all("c") == 2) std::cout << "ok" << std::endl;
  }
}
