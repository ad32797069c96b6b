# Compiler settings shared by every target, and where build products go.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 99)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)

# Executables are compiled as libraries are, so that both use one precompiled header; -fpch-preprocess lets ccache see
# which one.
if(NOT CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_CXX_COMPILE_OPTIONS_PIE "-fPIC")
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
  endif()
endif()

# The build tree works in place: bin/ beside lib/harmony/plugins/, as installed.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(HARMONY_PLUGIN_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib/harmony/plugins")
set(HARMONY_TEST_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")

option(HARMONY_WERROR "Treat warnings as errors" OFF)
set(HARMONY_SANITIZE "" CACHE STRING "Sanitizers, as the argument of -fsanitize=")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # Paths relative to the source root let two checkouts share one cache. A precompiled header is identified by its
  # contents; macros defined after it was made do not reach into it.
  set(launcher "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime "${CCACHE_PROGRAM}")
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

# Linking is a third of an incremental build with the default linker.
find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()

# Every first-party target links to this one.
add_library(harmony_flags INTERFACE)
target_compile_options(harmony_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual>
  $<$<BOOL:${HARMONY_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # It takes a short string that is moved for a copy beyond its end, and says so where the standard library comes from
  # a precompiled header. The address sanitizer finds the true ones.
  target_compile_options(harmony_flags INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-Wno-array-bounds -Wno-stringop-overflow -Wno-restrict>)
endif()

if(HARMONY_SANITIZE)
  add_compile_options(-fsanitize=${HARMONY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${HARMONY_SANITIZE})
  # The instrumentation hides initialisations from g++: it then doubts std::regex and std::optional.
  target_compile_options(harmony_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-maybe-uninitialized>)
  if(HARMONY_SANITIZE MATCHES "thread")
    # Asio's fences are unknown to the thread sanitizer and only warn.
    target_compile_options(harmony_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-tsan>)
  endif()
endif()

include(GNUInstallDirs)
