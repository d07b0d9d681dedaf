# podium_add_plugin(<target> [OUTPUT <name>] SOURCES <file>...)
#
# A loadable plugin <name>.so (default: the target's name) that exports podium_plugin_v1 and
# nothing else.
function(podium_add_plugin target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "OUTPUT" "SOURCES")
  add_library(${target} MODULE ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE podium::sdk)
  if(NOT arg_OUTPUT)
    set(arg_OUTPUT ${target})
  endif()
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME ${arg_OUTPUT}
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    CXX_EXTENSIONS OFF)
  # std::make_shared alone emits an STB_GNU_UNIQUE symbol, and glibc never unmaps such a library.
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
  target_link_options(${target} PRIVATE LINKER:-z,now LINKER:-z,relro LINKER:-z,noexecstack)
  # Hidden visibility leaves the templates of libstdc++ exported; a version script does not.
  set(map ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/podium_plugin.map)
  target_link_options(${target} PRIVATE LINKER:--version-script=${map})
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${map})
  if(NOT PODIUM_SANITIZER)
    target_link_options(${target} PRIVATE LINKER:--no-undefined)
  endif()
endfunction()
