# podium_add_plugin(<target> [KIND runtime|storage|response] [OUTPUT <name>] SOURCES <file>...)
#
# A loadable plugin <name>.so (default: the target's name) that exports podium_plugin_v1 and
# nothing else. With KIND `install` puts it where podiumd looks, lib/podium/plugins/<kind>, and a
# configuration names it "<kind>/<name>".
function(podium_add_plugin target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "KIND;OUTPUT" "SOURCES")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "podium_add_plugin(${target}): what is '${arg_UNPARSED_ARGUMENTS}'?")
  endif()
  if(NOT arg_SOURCES)
    message(FATAL_ERROR "podium_add_plugin(${target}) wants SOURCES")
  endif()
  if(DEFINED arg_KIND AND NOT arg_KIND MATCHES "^(runtime|storage|response)$")
    message(FATAL_ERROR "podium_add_plugin(${target}): KIND is runtime, storage or response, not '${arg_KIND}'")
  endif()
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
  if(arg_KIND)
    install(TARGETS ${target} LIBRARY DESTINATION lib/podium/plugins/${arg_KIND})
  endif()
endfunction()

# podium_test_conformance(<target> [<argument of podium-conform>...])
#
# A test <target>.conformance: podium-conform runs the plugin through its contract. The arguments say
# what cannot be known from outside, for instance --option root={tmp}; see podium-conform --help.
function(podium_test_conformance target)
  add_test(NAME ${target}.conformance
    COMMAND podium::podium-conform ${ARGN} $<TARGET_FILE:${target}>)
endfunction()
