# harmony_add_plugin(name SOURCES ... [LIBS ...] [C] [OUTPUT_DIRECTORY dir] [NO_INSTALL])
#
# The plugin harmony-<name>.so, as target harmony-<name>: it exports the entry alone, has every symbol resolved when
# it is linked, and carries its manifest. C builds a plugin that uses plugin.h only.
include_guard(GLOBAL)

function(harmony_add_plugin name)
  # Called from other folders, which do not see a variable of this file.
  set(version_script "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/harmony_plugin.map")
  cmake_parse_arguments(arg "C;NO_INSTALL" "OUTPUT_DIRECTORY" "SOURCES;LIBS" ${ARGN})
  if(NOT name MATCHES "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")
    message(FATAL_ERROR "harmony_add_plugin(${name}): a name is lowercase letters, digits and '-'")
  endif()
  set(target harmony-${name})
  add_library(${target} MODULE ${arg_SOURCES})
  if(arg_C)
    target_link_libraries(${target} PRIVATE harmony::plugin_abi ${arg_LIBS})
  else()
    target_link_libraries(${target} PRIVATE harmony::plugin ${arg_LIBS})
  endif()
  target_link_libraries(${target} PRIVATE $<TARGET_NAME_IF_EXISTS:harmony_flags>)

  if(arg_OUTPUT_DIRECTORY)
    set(directory "${arg_OUTPUT_DIRECTORY}")
  elseif(HARMONY_PLUGIN_OUTPUT_DIRECTORY)
    set(directory "${HARMONY_PLUGIN_OUTPUT_DIRECTORY}")
  else()
    set(directory "${CMAKE_BINARY_DIR}")
  endif()
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME ${target} SUFFIX .so LIBRARY_OUTPUT_DIRECTORY "${directory}"
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LINK_DEPENDS "${version_script}")
  # Hidden visibility reaches the plugin's own code, the version script also what templates and libraries bring.
  target_link_options(${target} PRIVATE
    "LINKER:--version-script=${version_script}" LINKER:--exclude-libs,ALL LINKER:-z,now)
  if(NOT HARMONY_SANITIZE AND NOT "${CMAKE_C_FLAGS} ${CMAKE_CXX_FLAGS}" MATCHES "-fsanitize=")
    # A sanitizer's runtime comes with the program that loads the plugin, so its symbols are open until then.
    target_link_options(${target} PRIVATE LINKER:-z,defs)
  endif()
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_link_options(${target} PRIVATE -s LINKER:--gc-sections)
    target_compile_options(${target} PRIVATE -ffunction-sections -fdata-sections)
  endif()
  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND harmony::plugin_manifest --objcopy "${CMAKE_OBJCOPY}" "$<TARGET_FILE:${target}>"
    COMMENT "Embedding the manifest of ${target}.so" VERBATIM)
  if(NOT arg_NO_INSTALL)
    install(TARGETS ${target} LIBRARY DESTINATION lib/harmony/plugins)
  endif()
endfunction()
