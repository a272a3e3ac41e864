# SPDX-License-Identifier: Apache-2.0
#
# Finds the C++ Actor Framework, whose 0.17 packages carry no CMake files.
#
# Components, `core` unless others are named: core, io, test (headers only).
# Targets: CAF::core, CAF::io, CAF::test. Result: CAF_FOUND, CAF_VERSION.
include(FindPackageHandleStandardArgs)

if(NOT CAF_FIND_COMPONENTS)
    set(CAF_FIND_COMPONENTS core)
endif()

find_path(CAF_INCLUDE_DIR caf/config.hpp)
mark_as_advanced(CAF_INCLUDE_DIR)

# One number, 10000 * major + 100 * minor + patch; newer releases moved it to another header.
foreach(header IN ITEMS caf/config.hpp caf/detail/build_config.hpp)
    if(NOT CAF_VERSION AND CAF_INCLUDE_DIR AND EXISTS "${CAF_INCLUDE_DIR}/${header}")
        file(STRINGS "${CAF_INCLUDE_DIR}/${header}" line REGEX "#define CAF_VERSION [0-9]+")
        if(line MATCHES "CAF_VERSION ([0-9]+)")
            math(EXPR major "${CMAKE_MATCH_1} / 10000")
            math(EXPR minor "${CMAKE_MATCH_1} / 100 % 100")
            math(EXPR patch "${CMAKE_MATCH_1} % 100")
            set(CAF_VERSION "${major}.${minor}.${patch}")
        endif()
    endif()
endforeach()

foreach(component IN ITEMS core io)
    find_library(CAF_${component}_LIBRARY caf_${component})
    mark_as_advanced(CAF_${component}_LIBRARY)
    if(CAF_INCLUDE_DIR AND CAF_${component}_LIBRARY)
        set(CAF_${component}_FOUND TRUE)
    endif()
endforeach()
if(CAF_INCLUDE_DIR AND EXISTS "${CAF_INCLUDE_DIR}/caf/test/dsl.hpp")
    set(CAF_test_FOUND TRUE)
endif()

find_package_handle_standard_args(CAF
    REQUIRED_VARS CAF_core_LIBRARY CAF_INCLUDE_DIR
    VERSION_VAR CAF_VERSION
    HANDLE_COMPONENTS
    REASON_FAILURE_MESSAGE "On Debian and Ubuntu: apt-get install libcaf-dev")

if(CAF_FOUND AND NOT TARGET CAF::core)
    find_package(Threads REQUIRED)
    add_library(CAF::core UNKNOWN IMPORTED)
    set_target_properties(CAF::core PROPERTIES
        IMPORTED_LOCATION "${CAF_core_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${CAF_INCLUDE_DIR}"
        INTERFACE_LINK_LIBRARIES Threads::Threads)
endif()
if(CAF_io_FOUND AND NOT TARGET CAF::io)
    add_library(CAF::io UNKNOWN IMPORTED)
    set_target_properties(CAF::io PROPERTIES
        IMPORTED_LOCATION "${CAF_io_LIBRARY}"
        INTERFACE_LINK_LIBRARIES CAF::core)
endif()
if(CAF_test_FOUND AND NOT TARGET CAF::test)
    add_library(CAF::test INTERFACE IMPORTED)
    set_target_properties(CAF::test PROPERTIES INTERFACE_LINK_LIBRARIES CAF::core)
endif()
