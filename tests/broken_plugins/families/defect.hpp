#pragma once
/// A family is one source that is built once; each of its copies has the defect that its file name
/// says: storage.folds_case.so has folds_case. Without a dot in its name it is sound.

#include <dlfcn.h>

#include <string>
#include <string_view>

namespace {

/// Whether this copy of the library has a defect.
inline bool has_defect(std::string_view name) {
  static const std::string kDefect = [] {
    Dl_info info{};
    static const char kHere = 0;
    ::dladdr(&kHere, &info);
    std::string file(info.dli_fname);
    file.erase(0, file.rfind('/') + 1);
    file.resize(file.size() - std::string_view(".so").size());
    return file.find('.') == std::string::npos ? std::string() : file.substr(file.find('.') + 1);
  }();
  return kDefect == name;
}

}  // namespace
