#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "process.hpp"

namespace podium::conform {

/// A case and what it came to.
struct Result {
  const Case* one;
  Verdict verdict;
};

/// One line of a case that passed, some of one that did not.
void print(const Result& result);

/// A JUnit document of all results. Throws std::runtime_error when it cannot be written.
void write_junit(const std::filesystem::path& file, const std::string& plugin,
                 const std::vector<Result>& results);

}  // namespace podium::conform
