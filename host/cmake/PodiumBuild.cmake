# Warnings, sanitizers and the functions that the folders use.

find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(RapidJSON REQUIRED)
find_package(Poco 1.11 REQUIRED COMPONENTS Foundation Util Net Data DataSQLite)
find_package(PkgConfig REQUIRED)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
find_package(prometheus-cpp CONFIG REQUIRED)
find_path(BOOST_INCLUDE boost/asio.hpp REQUIRED)

add_library(podium_flags INTERFACE)
target_compile_options(podium_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -fno-strict-aliasing
  # GCC 12 warns falsely about "text" + std::string when it optimises (its bug 105651).
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-restrict>)
target_compile_definitions(podium_flags INTERFACE
  _FILE_OFFSET_BITS=64 BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_REGEX
  # Asio gives the block of a frame that has ended to the next, however small and long-lived that is:
  # what waits would hold the memory of what came before it.
  BOOST_ASIO_DISABLE_AWAITABLE_FRAME_RECYCLING)
if(PODIUM_FUZZ)
  # RapidJSON's stack adds to a null pointer, which the standard forbids and every compiler allows.
  set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=undefined
    -fno-sanitize=pointer-overflow)
  # Warnings are errors in every other build, by the compiler that Podium is built with.
  target_compile_options(podium_flags INTERFACE
    ${sanitizers} -fsanitize=fuzzer-no-link -fno-omit-frame-pointer -Wno-error)
  target_link_options(podium_flags INTERFACE ${sanitizers})
elseif(PODIUM_SANITIZER)
  # Several sources at a time: a sanitizer multiplies what templates cost, and most of them are every file's.
  # That each file has its own includes and names, the other builds find out.
  set(CMAKE_UNITY_BUILD ON)
  set(CMAKE_UNITY_BUILD_BATCH_SIZE 6)
  target_compile_options(podium_flags INTERFACE
    -fsanitize=${PODIUM_SANITIZER} -fno-omit-frame-pointer
    # GCC 12 takes an anonymous namespace for a header's when it does not stand in the main file.
    $<$<COMPILE_LANGUAGE:CXX>:-Wno-subobject-linkage>)
  target_link_options(podium_flags INTERFACE -fsanitize=${PODIUM_SANITIZER})
  if(PODIUM_SANITIZER MATCHES address)
    target_compile_options(podium_flags INTERFACE -fsanitize=undefined -fno-sanitize-recover=undefined)
    target_link_options(podium_flags INTERFACE -fsanitize=undefined)
  endif()
  # GCC 12 warns falsely about its own headers under sanitizers.
  target_compile_options(podium_flags INTERFACE -Wno-maybe-uninitialized -Wno-tsan)
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_definitions(podium_flags INTERFACE _FORTIFY_SOURCE=2)
  target_compile_options(podium_flags INTERFACE -fstack-protector-strong)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT PODIUM_FUZZ AND NOT PODIUM_SANITIZER)
  # What is shipped: the packages are built with these flags and no others, see packaging/debian/rules.
  target_compile_options(podium_flags INTERFACE -Wformat-security -Wdate-time -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
endif()

# podium_host_module(<name> [DEPENDS <module>...] [LIBRARIES <target>...])
#
# The static library podium_<name> of all sources in the current folder. It may include headers of
# the modules it depends on, directly or through them, and of no other: an #include against the
# arrows is an error at configure time, so the link graph is the architecture.
function(podium_host_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPENDS;LIBRARIES")
  set(allowed ${name} ${arg_DEPENDS})
  foreach(module IN LISTS arg_DEPENDS)
    get_property(more GLOBAL PROPERTY podium_module_${module})
    list(APPEND allowed ${more})
  endforeach()
  list(REMOVE_DUPLICATES allowed)
  set_property(GLOBAL PROPERTY podium_module_${name} "${allowed}")

  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.hpp)
  foreach(file IN LISTS sources headers)
    file(STRINGS ${file} includes REGEX "^#include \"[a-z_]+/")
    foreach(line IN LISTS includes)
      string(REGEX REPLACE "^#include \"([a-z_]+)/.*" "\\1" module "${line}")
      if(NOT module IN_LIST allowed)
        message(FATAL_ERROR "${file}: ${line}: module '${name}' may include only: ${allowed}")
      endif()
    endforeach()
  endforeach()

  if(NOT sources)  # headers only
    set(sources ${CMAKE_CURRENT_BINARY_DIR}/headers_only.cpp)
    file(CONFIGURE OUTPUT ${sources} CONTENT "namespace podium {}\n")
  endif()
  add_library(podium_${name} STATIC ${sources})
  list(TRANSFORM arg_DEPENDS PREPEND podium_)
  target_link_libraries(podium_${name} PUBLIC ${arg_DEPENDS} ${arg_LIBRARIES} PRIVATE podium_flags)
  target_include_directories(podium_${name} PUBLIC ${CMAKE_SOURCE_DIR}/host)
  podium_check_headers(podium_${name} ${headers})
endfunction()

# podium_check_headers(<target> <header>...): every header compiles alone.
function(podium_check_headers target)
  foreach(header IN LISTS ARGN)
    get_filename_component(stem ${header} NAME)
    set(alone ${CMAKE_CURRENT_BINARY_DIR}/alone/${target}/${stem}.cpp)
    file(CONFIGURE OUTPUT ${alone} CONTENT "#include \"${header}\"\n")
    list(APPEND files ${alone})
  endforeach()
  if(files AND PODIUM_TESTS)
    add_library(${target}_headers OBJECT ${files})
    target_link_libraries(${target}_headers PRIVATE ${target} podium_flags)
    set_target_properties(${target}_headers PROPERTIES UNITY_BUILD OFF)
    target_compile_options(${target}_headers PRIVATE -fsyntax-only)
    set_target_properties(${target}_headers PROPERTIES EXCLUDE_FROM_ALL ON)
    set_property(GLOBAL APPEND PROPERTY podium_header_checks ${target}_headers)
  endif()
endfunction()
