# SPDX-License-Identifier: Apache-2.0
#
# Finds libzmq and, as component `cppzmq`, its header-only C++ binding. Distributions ship libzmq
# with pkg-config data only, and the installed package must find it without pkg-config.
#
# Targets: ZeroMQ::libzmq, ZeroMQ::cppzmq. Result: ZeroMQ_FOUND, ZeroMQ_VERSION.
include(FindPackageHandleStandardArgs)

find_path(ZeroMQ_INCLUDE_DIR zmq.h)
find_path(ZeroMQ_cppzmq_INCLUDE_DIR zmq.hpp)
find_library(ZeroMQ_LIBRARY NAMES zmq libzmq)
mark_as_advanced(ZeroMQ_INCLUDE_DIR ZeroMQ_cppzmq_INCLUDE_DIR ZeroMQ_LIBRARY)

if(ZeroMQ_INCLUDE_DIR)
    set(ZeroMQ_VERSION "")
    foreach(part IN ITEMS MAJOR MINOR PATCH)
        file(STRINGS "${ZeroMQ_INCLUDE_DIR}/zmq.h" line REGEX "#define ZMQ_VERSION_${part} ")
        string(REGEX MATCH "[0-9]+" number "${line}")
        string(APPEND ZeroMQ_VERSION ".${number}")
    endforeach()
    string(SUBSTRING "${ZeroMQ_VERSION}" 1 -1 ZeroMQ_VERSION)
endif()
if(ZeroMQ_cppzmq_INCLUDE_DIR)
    set(ZeroMQ_cppzmq_FOUND TRUE)
endif()

find_package_handle_standard_args(ZeroMQ
    REQUIRED_VARS ZeroMQ_LIBRARY ZeroMQ_INCLUDE_DIR
    VERSION_VAR ZeroMQ_VERSION
    HANDLE_COMPONENTS
    REASON_FAILURE_MESSAGE "On Debian and Ubuntu: apt-get install libzmq3-dev cppzmq-dev")

if(ZeroMQ_FOUND AND NOT TARGET ZeroMQ::libzmq)
    add_library(ZeroMQ::libzmq UNKNOWN IMPORTED)
    set_target_properties(ZeroMQ::libzmq PROPERTIES
        IMPORTED_LOCATION "${ZeroMQ_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${ZeroMQ_INCLUDE_DIR}")
endif()
if(ZeroMQ_cppzmq_FOUND AND NOT TARGET ZeroMQ::cppzmq)
    add_library(ZeroMQ::cppzmq INTERFACE IMPORTED)
    set_target_properties(ZeroMQ::cppzmq PROPERTIES
        INTERFACE_INCLUDE_DIRECTORIES "${ZeroMQ_cppzmq_INCLUDE_DIR}"
        INTERFACE_LINK_LIBRARIES ZeroMQ::libzmq)
endif()
