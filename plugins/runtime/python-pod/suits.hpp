#pragma once
#include <podium/sdk/runtime.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace podium::python_pod {

/// Why a run cannot be had from an interpreter that has started already: another command line than
/// `interpreter {source}`, a compile step, or an environment that only a new process can obey (a
/// loader's or allocator's variable, another locale, most of the interpreter's own). Nothing when
/// it can. Such a run is for the next runtime of the language.
std::optional<std::string> why_unsuited(const sdk::RunView& run, std::string_view interpreter);

}  // namespace podium::python_pod
