# cmake -D FOLDER=<this folder> -D OUTPUT=<file.cpp> -P embed.cmake
#
# Writes a source with the texts that run programs which call tools.
file(READ ${FOLDER}/python.py python)
file(READ ${FOLDER}/bash.sh bash)
file(WRITE ${OUTPUT} "// Made from the files of ${FOLDER}.
#include \"exec/tool_programs.hpp\"

std::string_view podium::python_with_tools_text() noexcept {
  return R\"podium(${python})podium\";
}

std::string_view podium::bash_with_tools_text() noexcept {
  return R\"podium(${bash})podium\";
}
")
