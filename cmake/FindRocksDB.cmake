# SPDX-License-Identifier: Apache-2.0
#
# Finds RocksDB, the shared library: packages of distributions carry no CMake files, or some that
# lead to a static library and want everything that it was built with.
#
# Targets: RocksDB::rocksdb. Result: RocksDB_FOUND, RocksDB_VERSION.
include(FindPackageHandleStandardArgs)

find_path(RocksDB_INCLUDE_DIR rocksdb/version.h)
find_library(RocksDB_LIBRARY NAMES librocksdb.so rocksdb)
mark_as_advanced(RocksDB_INCLUDE_DIR RocksDB_LIBRARY)

if(RocksDB_INCLUDE_DIR)
    set(parts)
    foreach(part IN ITEMS MAJOR MINOR PATCH)
        file(STRINGS "${RocksDB_INCLUDE_DIR}/rocksdb/version.h" line
            REGEX "#define ROCKSDB_${part} [0-9]+")
        if(line MATCHES "ROCKSDB_${part} ([0-9]+)")
            list(APPEND parts ${CMAKE_MATCH_1})
        endif()
    endforeach()
    list(JOIN parts "." RocksDB_VERSION)
endif()

find_package_handle_standard_args(RocksDB
    REQUIRED_VARS RocksDB_LIBRARY RocksDB_INCLUDE_DIR
    VERSION_VAR RocksDB_VERSION
    REASON_FAILURE_MESSAGE "On Debian and Ubuntu: apt-get install librocksdb-dev")

if(RocksDB_FOUND AND NOT TARGET RocksDB::rocksdb)
    add_library(RocksDB::rocksdb UNKNOWN IMPORTED)
    set_target_properties(RocksDB::rocksdb PROPERTIES
        IMPORTED_LOCATION "${RocksDB_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${RocksDB_INCLUDE_DIR}")
endif()
