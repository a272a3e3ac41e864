# SPDX-License-Identifier: Apache-2.0
#
# What `cmake --install` puts under a prefix, and what find_package(dunlin) finds there.
#
#   bin/dunlin                 the program, dunlin::program
#   include/dunlin/            the SDK's headers
#   lib/libdunlin_sdk.a        the SDK, dunlin::sdk
#   lib/dunlin/modules/        modules that come with Dunlin
#   lib/cmake/dunlin/          config, targets, dunlin_add_module
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/dunlin")

install(TARGETS dunlin_sdk EXPORT dunlinTargets
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(TARGETS dunlin_program EXPORT dunlinTargets
    RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
get_property(modules GLOBAL PROPERTY DUNLIN_INSTALLED_MODULES)
if(modules)
    install(TARGETS ${modules}
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}/dunlin/modules")
endif()

install(EXPORT dunlinTargets NAMESPACE dunlin:: DESTINATION "${package_dir}")
configure_package_config_file(
    "${CMAKE_CURRENT_LIST_DIR}/dunlinConfig.cmake.in" "${PROJECT_BINARY_DIR}/dunlinConfig.cmake"
    INSTALL_DESTINATION "${package_dir}"
    NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/dunlinConfigVersion.cmake"
    COMPATIBILITY SameMinorVersion)
install(FILES
    "${PROJECT_BINARY_DIR}/dunlinConfig.cmake"
    "${PROJECT_BINARY_DIR}/dunlinConfigVersion.cmake"
    "${CMAKE_CURRENT_LIST_DIR}/DunlinModule.cmake"
    "${CMAKE_CURRENT_LIST_DIR}/dunlin_module.map"
    "${CMAKE_CURRENT_LIST_DIR}/FindZeroMQ.cmake"
    DESTINATION "${package_dir}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
