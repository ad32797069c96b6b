# `cmake --install --component sdk`: all that an author needs, in a place of its own or beside the host.
include(CMakePackageConfigHelpers)
set(HARMONY_SDK_DIR share/harmony/sdk)
set(package_dir lib/cmake/HarmonyPlugin)

configure_package_config_file(cmake/HarmonyPluginConfig.cmake.in
  "${CMAKE_CURRENT_BINARY_DIR}/HarmonyPluginConfig.cmake"
  INSTALL_DESTINATION ${package_dir}
  PATH_VARS HARMONY_SDK_DIR CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_BINDIR)
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/HarmonyPluginConfigVersion.cmake"
  COMPATIBILITY SameMajorVersion)

install(FILES
  "${CMAKE_CURRENT_BINARY_DIR}/HarmonyPluginConfig.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/HarmonyPluginConfigVersion.cmake"
  cmake/HarmonyPluginSdk.cmake cmake/HarmonyAddPlugin.cmake cmake/harmony_plugin.map
  DESTINATION ${package_dir} COMPONENT sdk)
install(TARGETS harmony-plugin-manifest RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT sdk)
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT sdk)
install(DIRECTORY src DESTINATION ${HARMONY_SDK_DIR} COMPONENT sdk)
install(DIRECTORY spec template DESTINATION ${HARMONY_SDK_DIR} COMPONENT sdk)
