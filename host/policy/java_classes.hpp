#pragma once
#include <string>
#include <string_view>

namespace podium {

/// The names by which Java code is compiled and started.
struct JavaClasses {
  /// Of the type that must name the file (JLS 7.6): the public one, else the one with `main`, else
  /// the first; "Main" when there is none.
  std::string public_class = "Main";
  /// Of the type to start, with its package: the public one if it has `main`, else the first that
  /// has, else as above.
  std::string main_class = "Main";
};

/// Reads the top level of a compilation unit. Comments, strings and text blocks are skipped; what
/// is no Java gives names all the same, and the compiler says what is wrong. Linear in the code.
JavaClasses java_classes(std::string_view code);

}  // namespace podium
