# SPDX-License-Identifier: Apache-2.0
#
# Finds libpq, PostgreSQL's client library. CMake's own FindPostgreSQL wants headers of the server,
# too, which nobody needs here.
#
# Targets: Libpq::libpq. Result: Libpq_FOUND.
include(FindPackageHandleStandardArgs)

find_path(Libpq_INCLUDE_DIR libpq-fe.h PATH_SUFFIXES postgresql)
find_library(Libpq_LIBRARY pq)
mark_as_advanced(Libpq_INCLUDE_DIR Libpq_LIBRARY)

# Pipeline mode came with PostgreSQL 14's library.
if(Libpq_INCLUDE_DIR)
    file(STRINGS "${Libpq_INCLUDE_DIR}/libpq-fe.h" Libpq_PIPELINE
        REGEX "#define LIBPQ_HAS_PIPELINING 1")
endif()

find_package_handle_standard_args(Libpq
    REQUIRED_VARS Libpq_LIBRARY Libpq_INCLUDE_DIR Libpq_PIPELINE
    REASON_FAILURE_MESSAGE "On Debian and Ubuntu: apt-get install libpq-dev")

if(Libpq_FOUND AND NOT TARGET Libpq::libpq)
    add_library(Libpq::libpq UNKNOWN IMPORTED)
    set_target_properties(Libpq::libpq PROPERTIES
        IMPORTED_LOCATION "${Libpq_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${Libpq_INCLUDE_DIR}")
endif()
