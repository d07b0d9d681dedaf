#include "fill_gaps.hpp"

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

namespace podium::pod {
namespace {

/// Objects/obmalloc.c of CPython 3.11: pools of 16 KiB hold blocks of one of 32 sizes behind a
/// header.
constexpr std::uintptr_t kPool = std::uintptr_t{1} << 14;
constexpr std::uintptr_t kPoolHeader = 48;
constexpr std::size_t kSmallest = 16, kLargest = 512;
/// No more than this of each size, should the above not hold.
constexpr std::size_t kMostBytes = 4u << 20;

/// Blocks of one size, until one is the first of a pool: those begun before are full then.
void fill_pools(std::size_t size) {
  for (std::size_t taken = 0; taken < kMostBytes; taken += size) {
    void* const block = PyObject_Malloc(size);
    if (block == nullptr) return;
    if (reinterpret_cast<std::uintptr_t>(block) % kPool != kPoolHeader) continue;
    PyObject_Free(block);
    return;
  }
}

/// Chunks of one size, until malloc has none below `top`, where the heap's last chunk begins.
void fill_heap(std::size_t size, std::uintptr_t top) {
  // What is taken is kept.
  // NOLINTNEXTLINE(clang-analyzer-unix.Malloc)
  for (std::size_t left = ::mallinfo2().fordblks; left > size; left -= size) {
    void* const chunk = std::malloc(size);
    if (chunk == nullptr || reinterpret_cast<std::uintptr_t>(chunk) >= top) {
      std::free(chunk);
      return;
    }
  }
}

}  // namespace

void fill_gaps() {
  for (std::size_t size = kSmallest; size <= kLargest; size += kSmallest) fill_pools(size);

  const std::uintptr_t top = reinterpret_cast<std::uintptr_t>(::sbrk(0)) - ::mallinfo2().keepcost;
  // Large gaps first, and what is left of them then by every size that there is.
  for (std::size_t size = 64u << 10; size > 1024; size = size / 8 * 7) fill_heap(size, top);
  for (std::size_t size = 1024; size >= kSmallest; size -= kSmallest) fill_heap(size, top);
}

}  // namespace podium::pod
