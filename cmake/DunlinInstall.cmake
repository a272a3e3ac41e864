# SPDX-License-Identifier: Apache-2.0
#
# What `cmake --install` puts under a prefix, and what find_package(dunlin) finds there.
#
#   bin/dunlin                 the program, dunlin::program
#   include/dunlin/            the SDK's headers
#   lib/libdunlin_sdk.a        the SDK, dunlin::sdk
#   lib/dunlin/modules/        modules that come with Dunlin
#   lib/cmake/dunlin/          config, targets, dunlin_add_module
#   share/                     completions of shells; documents, examples and a systemd unit
#
# The target `uninstall` takes away what was installed last.
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
    "${CMAKE_CURRENT_LIST_DIR}/DunlinBuildType.cmake"
    "${CMAKE_CURRENT_LIST_DIR}/DunlinModule.cmake"
    "${CMAKE_CURRENT_LIST_DIR}/dunlin_module.map"
    "${CMAKE_CURRENT_LIST_DIR}/FindZeroMQ.cmake"
    DESTINATION "${package_dir}")

# The program knows its verbs and options best. The names are those that each shell looks for.
set(completions "${PROJECT_BINARY_DIR}/completions")
set(bash_name dunlin)
set(zsh_name _dunlin)
set(fish_name dunlin.fish)
set(bash_folder bash-completion/completions)
set(zsh_folder zsh/site-functions)
set(fish_folder fish/vendor_completions.d)
foreach(shell IN ITEMS bash zsh fish)
    set(file "${completions}/${shell}/${${shell}_name}")
    file(MAKE_DIRECTORY "${completions}/${shell}")
    add_custom_command(OUTPUT "${file}"
        COMMAND dunlin_program completion ${shell} > "${file}"
        DEPENDS dunlin_program
        COMMENT "Writing what makes ${shell} complete" VERBATIM)
    list(APPEND completion_files "${file}")
    install(FILES "${file}" DESTINATION "${CMAKE_INSTALL_DATADIR}/${${shell}_folder}")
endforeach()
add_custom_target(dunlin_completions ALL DEPENDS ${completion_files})

# Documents stay where their links to each other expect them.
file(GLOB documents CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}"
    *.md sdk/*.md actors/*.md runtime/*.md docs/*.md docs/*.svg docs/decisions/*.md examples/*.md)
foreach(document IN LISTS documents)
    cmake_path(GET document PARENT_PATH folder)
    install(FILES "${document}" DESTINATION "${CMAKE_INSTALL_DOCDIR}/${folder}")
endforeach()
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(DIRECTORY examples/hello DESTINATION "${CMAKE_INSTALL_DOCDIR}/examples"
    PATTERN "build" EXCLUDE)

# The unit stands in a document, and once only.
file(READ "${PROJECT_SOURCE_DIR}/runtime/README.md" text)
if(NOT text MATCHES "```ini\n([^`]*)```")
    message(FATAL_ERROR "runtime/README.md has no unit for systemd between ```ini and ```")
endif()
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/dunlin.service" CONTENT "${CMAKE_MATCH_1}" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/dunlin.service"
    DESTINATION "${CMAKE_INSTALL_DOCDIR}/examples")

if(PROJECT_IS_TOP_LEVEL)
    add_custom_target(uninstall
        COMMAND "${CMAKE_COMMAND}" "-DMANIFEST=${CMAKE_BINARY_DIR}/install_manifest.txt"
            -P "${CMAKE_CURRENT_LIST_DIR}/DunlinUninstall.cmake"
        COMMENT "Taking away what was installed from here" VERBATIM)
endif()
