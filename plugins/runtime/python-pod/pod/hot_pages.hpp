#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace podium::pod {

/// The pages that any run needs and that a pod, at the time it waits, still shares with its zygote
/// or has not got at all. A fault costs microseconds, a run meets dozens: a pod has them made its
/// own ahead.
///
/// Which they are is found out once a zygote: a child lives a pod's life to its end and looks into
/// proc_pid_pagemap(5) before and after. Pods repeat the child's steps from the same memory, so the
/// addresses hold; where one does not, it costs a page and harms nothing.
class HotPages {
 public:
  /// In the zygote. `prepare` brings the child to where pods wait, `run` from there to the end of a
  /// run. False with errno when the child did not come to its end. Where the kernel does not show
  /// pages, nothing is learned and pods are slower.
  bool learn(const std::function<void()>& before_fork, const std::function<void(bool)>& after_fork,
             const std::function<void()>& prepare, const std::function<void()>& run);

  /// In a pod.
  void populate() const noexcept;

 private:
  struct Range {
    std::uintptr_t begin;
    std::size_t size;
    bool write;  ///< to be written to, else read
  };
  std::vector<Range> ranges_;
};

}  // namespace podium::pod
