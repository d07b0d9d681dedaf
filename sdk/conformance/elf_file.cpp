#include "elf_file.hpp"

#include <elf.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "case.hpp"

namespace podium::conform {
namespace {

/// The bytes of a file, read with bounds: a broken header must not break the reader.
class Bytes {
 public:
  explicit Bytes(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    content_.assign(std::istreambuf_iterator<char>(in), {});
    if (!in) throw Broken("it cannot be read", "a readable file");
  }

  template <class T>
  T at(std::uint64_t offset) const {
    if (offset > content_.size() || content_.size() - offset < sizeof(T)) {
      throw Broken("its headers point behind its end", "a whole ELF file");
    }
    T value;
    std::memcpy(&value, content_.data() + offset, sizeof value);
    return value;
  }
  std::string text(std::uint64_t offset) const {
    if (offset >= content_.size()) throw Broken("a name lies behind its end", "a whole ELF file");
    const std::size_t end = content_.find('\0', offset);
    return content_.substr(offset, end == std::string::npos ? end : end - offset);
  }
  std::size_t size() const { return content_.size(); }

 private:
  std::string content_;
};

constexpr std::uint16_t kMachine =
#if defined(__x86_64__)
    EM_X86_64;
#elif defined(__aarch64__)
    EM_AARCH64;
#else
#error "which machine is this?"
#endif

Elf64_Ehdr check_header(const Bytes& bytes) {
  if (bytes.size() < sizeof(Elf64_Ehdr) ||
      std::memcmp(bytes.at<Elf64_Ehdr>(0).e_ident, ELFMAG, SELFMAG) != 0) {
    throw Broken("it is no ELF file", "a shared library");
  }
  const auto header = bytes.at<Elf64_Ehdr>(0);
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != kMachine) {
    throw Broken(
        "it was built for another machine (ELF machine " + std::to_string(header.e_machine) + ")",
        "ELF machine " + std::to_string(kMachine) + ", 64 bits");
  }
  if (header.e_type != ET_DYN) {
    throw Broken("it is no shared object (ELF type " + std::to_string(header.e_type) + ")",
                 "a library linked with -shared");
  }
  return header;
}

bool is_exported(const Elf64_Sym& symbol) {
  const unsigned bind = ELF64_ST_BIND(symbol.st_info);
  const unsigned visibility = ELF64_ST_VISIBILITY(symbol.st_other);
  const bool global = bind == STB_GLOBAL || bind == STB_WEAK || bind == STB_GNU_UNIQUE;
  return global && symbol.st_shndx != SHN_UNDEF && symbol.st_shndx != SHN_ABS &&
         (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

}  // namespace

ElfFile read_elf(const std::filesystem::path& file) {
  const Bytes bytes(file);
  const Elf64_Ehdr header = check_header(bytes);
  ElfFile out;
  bool says = false;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    const auto segment =
        bytes.at<Elf64_Phdr>(header.e_phoff + std::uint64_t{i} * sizeof(Elf64_Phdr));
    if (segment.p_type != PT_GNU_STACK) continue;
    says = true;
    out.executable_stack = (segment.p_flags & PF_X) != 0;
  }
  out.executable_stack = out.executable_stack || !says;  // an old default of the kernel
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    const auto section =
        bytes.at<Elf64_Shdr>(header.e_shoff + std::uint64_t{i} * sizeof(Elf64_Shdr));
    if (section.sh_type == SHT_DYNAMIC) {
      const auto texts =
          bytes.at<Elf64_Shdr>(header.e_shoff + section.sh_link * sizeof(Elf64_Shdr));
      for (std::uint64_t at = 0; at + sizeof(Elf64_Dyn) <= section.sh_size;
           at += sizeof(Elf64_Dyn)) {
        const auto entry = bytes.at<Elf64_Dyn>(section.sh_offset + at);
        if (entry.d_tag == DT_NEEDED)
          out.needed.push_back(bytes.text(texts.sh_offset + entry.d_un.d_val));
      }
    }
    if (section.sh_type != SHT_DYNSYM) continue;
    const auto names = bytes.at<Elf64_Shdr>(header.e_shoff + section.sh_link * sizeof(Elf64_Shdr));
    for (std::uint64_t at = 0; at + sizeof(Elf64_Sym) <= section.sh_size; at += sizeof(Elf64_Sym)) {
      const auto symbol = bytes.at<Elf64_Sym>(section.sh_offset + at);
      if (is_exported(symbol)) out.exported.push_back(bytes.text(names.sh_offset + symbol.st_name));
    }
  }
  return out;
}

}  // namespace podium::conform
