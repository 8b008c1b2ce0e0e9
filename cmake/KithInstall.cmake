# cmake --install, and the package that find_package(kith) finds.
include(CMakePackageConfigHelpers)

get_property(modules GLOBAL PROPERTY KITH_MODULES)
add_library(kith_all INTERFACE)
add_library(kith::kith ALIAS kith_all)
set_target_properties(kith_all PROPERTIES EXPORT_NAME kith)
target_link_libraries(kith_all INTERFACE ${modules})

install(TARGETS ${modules} kith_all EXPORT kithTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS kith RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS kith-metis RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/kith)
install(EXPORT kithTargets NAMESPACE kith:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/kith)
install(DIRECTORY core graph comm partition kernels datasets sampler exec
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/kith FILES_MATCHING PATTERN "*.h" PATTERN "cpu" EXCLUDE PATTERN "cuda" EXCLUDE)

configure_package_config_file(cmake/kithConfig.cmake.in ${CMAKE_BINARY_DIR}/kithConfig.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/kith)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/kithConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/kithConfig.cmake ${CMAKE_BINARY_DIR}/kithConfigVersion.cmake
              cmake/KithDependencies.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/kith)
