# SPDX-License-Identifier: Apache-2.0
#
# Without a build type CMake compiles without any optimisation, at a third of the speed. Who names
# none, and no -O of their own, gets Release; whoever wants nothing of the kind says None.
#
# Included by Dunlin's own build and by find_package(dunlin). A part of a larger project leaves that
# project's choice alone and only says what it comes to.
get_property(dunlin_many_types GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
if(NOT dunlin_many_types AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CXX_FLAGS MATCHES "(^| )-O")
    if(PROJECT_IS_TOP_LEVEL)
        message(STATUS "dunlin: no build type named, taking Release (-DCMAKE_BUILD_TYPE=...)")
        set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, RelWithDebInfo, Debug or None" FORCE)
    else()
        message(WARNING "dunlin: no build type named, so nothing will be optimised; add "
            "-DCMAKE_BUILD_TYPE=Release")
    endif()
endif()
unset(dunlin_many_types)
