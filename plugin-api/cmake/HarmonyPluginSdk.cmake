# The SDK's targets, built from its sources: in this tree, and again in each author's project, because a static
# library only links to code of the same compiler and C++ standard library.
#
#   harmony::plugin_abi      plugin.h alone, for C
#   harmony::plugin          the C++ SDK
#   harmony::plugin_testing  the fake host, for unit tests
#
# Expects HARMONY_PLUGIN_SDK_SOURCE_DIR, HARMONY_PLUGIN_SDK_INCLUDE_DIR and HARMONY_PLUGIN_SDK_VERSION.
include_guard(DIRECTORY)

if(NOT TARGET harmony_plugin_abi)
  add_library(harmony_plugin_abi INTERFACE)
  target_include_directories(harmony_plugin_abi INTERFACE "${HARMONY_PLUGIN_SDK_INCLUDE_DIR}")
  add_library(harmony::plugin_abi ALIAS harmony_plugin_abi)
endif()

if(CMAKE_CXX_COMPILER AND NOT TARGET harmony_plugin_sdk)
  find_package(nlohmann_json 3.11 REQUIRED)
  find_package(tl-expected REQUIRED)

  set(sources call.cpp command.cpp entry.cpp fields.cpp instance_table.cpp json.cpp manifest.cpp running_call.cpp
      scenario.cpp capability/container_runtime.cpp capability/kubernetes.cpp capability/process_host.cpp
      capability/secret_store.cpp capability/service_directory.cpp)
  list(TRANSFORM sources PREPEND "${HARMONY_PLUGIN_SDK_SOURCE_DIR}/")
  add_library(harmony_plugin_sdk STATIC EXCLUDE_FROM_ALL ${sources})
  target_compile_features(harmony_plugin_sdk PUBLIC cxx_std_20)
  target_compile_definitions(harmony_plugin_sdk PRIVATE HARMONY_PLUGIN_SDK_VERSION="${HARMONY_PLUGIN_SDK_VERSION}")
  target_link_libraries(harmony_plugin_sdk
    PUBLIC harmony_plugin_abi tl::expected
    PRIVATE nlohmann_json::nlohmann_json $<TARGET_NAME_IF_EXISTS:harmony_flags>)
  add_library(harmony::plugin ALIAS harmony_plugin_sdk)
  if(HARMONY_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 with the address sanitizer takes the inside of std::regex for uninitialised.
    set_source_files_properties("${HARMONY_PLUGIN_SDK_SOURCE_DIR}/fields.cpp"
      PROPERTIES COMPILE_OPTIONS -Wno-maybe-uninitialized)
  endif()

  set(sources fake_capabilities.cpp fake_host.cpp fake_kubernetes.cpp)
  list(TRANSFORM sources PREPEND "${HARMONY_PLUGIN_SDK_SOURCE_DIR}/testing/")
  add_library(harmony_plugin_testing STATIC EXCLUDE_FROM_ALL ${sources})
  target_link_libraries(harmony_plugin_testing
    PUBLIC harmony_plugin_sdk ${CMAKE_DL_LIBS} PRIVATE $<TARGET_NAME_IF_EXISTS:harmony_flags>)
  add_library(harmony::plugin_testing ALIAS harmony_plugin_testing)

  foreach(target harmony_plugin_sdk harmony_plugin_testing)
    set_target_properties(${target} PROPERTIES
      POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON CXX_EXTENSIONS OFF)
  endforeach()
endif()
