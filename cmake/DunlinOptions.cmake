# SPDX-License-Identifier: Apache-2.0
#
# How the project's own code is compiled. None of it reaches those who use the installed package.
#
#   dunlin_options   language level and warnings; every target of this build links it
#   dunlin_private   also the include roots for code inside the rooms: "actors/pool.hpp" from the
#                    top of the repository, "wire/envelope.hpp" from the SDK's private sources

add_library(dunlin_options INTERFACE)
target_compile_features(dunlin_options INTERFACE cxx_std_20)
target_compile_options(dunlin_options INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
    -Woverloaded-virtual -Wimplicit-fallthrough>)
# GCC sees overflows in std::string and std::vector that are not there (its bug 105651 and kin).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 15)
    target_compile_options(dunlin_options INTERFACE
        $<$<COMPILE_LANGUAGE:CXX>:-Wno-array-bounds -Wno-restrict -Wno-stringop-overflow>)
endif()

add_library(dunlin_private INTERFACE)
target_include_directories(dunlin_private INTERFACE
    "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/sdk/src")
target_link_libraries(dunlin_private INTERFACE dunlin_options)

set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Sanitizers change every object and every link, so they are set on directories, not on targets.
if(DUNLIN_SANITIZE)
    list(JOIN DUNLIN_SANITIZE "," sanitizers)
    add_compile_options("-fsanitize=${sanitizers}" -fno-sanitize-recover=all
        -fno-omit-frame-pointer)
    add_link_options("-fsanitize=${sanitizers}")
endif()

# A compiler cache when there is one.
find_program(DUNLIN_CCACHE ccache)
mark_as_advanced(DUNLIN_CCACHE)
if(DUNLIN_CCACHE AND PROJECT_IS_TOP_LEVEL AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${DUNLIN_CCACHE}")
endif()
