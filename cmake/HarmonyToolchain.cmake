# Compiler settings shared by every target, and where build products go.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 99)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)

# The build tree works in place: bin/ beside lib/harmony/plugins/, as installed.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(HARMONY_PLUGIN_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib/harmony/plugins")
set(HARMONY_TEST_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")

option(HARMONY_WERROR "Treat warnings as errors" OFF)
set(HARMONY_SANITIZE "" CACHE STRING "Sanitizers, as the argument of -fsanitize=")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # Paths relative to the source root let two checkouts share one cache.
  set(launcher "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" CCACHE_NOHASHDIR=1 "${CCACHE_PROGRAM}")
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

if(HARMONY_SANITIZE)
  add_compile_options(-fsanitize=${HARMONY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${HARMONY_SANITIZE})
  if(HARMONY_SANITIZE MATCHES "thread")
    # Asio's fences are unknown to the thread sanitizer and only warn.
    target_compile_options(harmony_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-tsan>)
  endif()
endif()

include(GNUInstallDirs)
