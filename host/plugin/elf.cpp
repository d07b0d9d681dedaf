#include "plugin/elf.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <system_error>

#include "base/failure.hpp"
#include "base/fd.hpp"

namespace podium {
namespace {

#if defined(__x86_64__)
constexpr std::uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr std::uint16_t kMachine = EM_AARCH64;
#else
#error "name the ELF machine of this processor"
#endif
constexpr unsigned char kEndianness =
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;

Failure damaged(const std::string& what) { return {Code::kInvalidArgument, what}; }

/// Whether all `size` bytes from `offset` were read.
bool read_at(int fd, void* into, std::size_t size, std::uint64_t offset) {
  auto* at = static_cast<char*>(into);
  while (size > 0) {
    ssize_t n = ::pread(fd, at, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    offset += static_cast<std::uint64_t>(n);
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

/// The whole range lies in the file; written so that nothing overflows.
bool within(std::uint64_t offset, std::uint64_t length, std::uint64_t file_size) {
  return offset <= file_size && length <= file_size - offset;
}

void check_header(const Elf64_Ehdr& header) {
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != kEndianness ||
      header.e_machine != kMachine) {
    throw damaged("it is built for another processor; build it for this machine");
  }
  if (header.e_type != ET_DYN) {
    throw damaged("it is an ELF file of type " + std::to_string(header.e_type) +
                  ", expected a shared library; link it with -shared");
  }
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum == 0) {
    throw damaged("its ELF header is damaged; build or install it again");
  }
}

}  // namespace

void check_elf(const std::filesystem::path& file) {
  UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) {
    throw damaged("it cannot be read: " + std::generic_category().message(errno));
  }
  auto file_size = static_cast<std::uint64_t>(status.st_size);

  Elf64_Ehdr header{};
  if (!read_at(fd.get(), &header, sizeof header, 0) ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    throw damaged("it is no ELF file; expected a shared library");
  }
  check_header(header);
  bool has_segment = false;
  for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    std::uint64_t offset = header.e_phoff + i * sizeof segment;
    bool there = within(header.e_phoff, (i + 1) * sizeof segment, file_size) &&
                 read_at(fd.get(), &segment, sizeof segment, offset);
    bool mapped = there && segment.p_type == PT_LOAD;
    has_segment |= mapped;
    if (!there || (mapped && !within(segment.p_offset, segment.p_filesz, file_size))) {
      throw damaged("it is cut short: " + std::to_string(file_size) +
                    " bytes are less than its segments need; install it again");
    }
  }
  if (!has_segment) throw damaged("it has nothing to load; build or install it again");
}

}  // namespace podium
