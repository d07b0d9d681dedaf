# cmake -D INPUT=<file> -D OUTPUT=<file.cpp> -P embed.cmake
#
# Writes a source that returns INPUT's text as podium::default_config_text().
file(READ ${INPUT} text)
file(WRITE ${OUTPUT} "// Made from ${INPUT}.
#include \"config/config.hpp\"

std::string_view podium::default_config_text() noexcept {
  return R\"podium(${text})podium\";
}
")
