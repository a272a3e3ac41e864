# SPDX-License-Identifier: Apache-2.0
#
#   dunlin_add_module(NAME source... [LINK library...])
#
# Builds NAME.so, a module that nodes load. NAME is also the target, and should be the name given
# to DUNLIN_MODULE. LINK names what else it is linked with. The file lands in CMAKE_LIBRARY_OUTPUT_DIRECTORY, or in the build tree's
# modules/ when that is not set.
#
# A module exports one C symbol and keeps everything else to itself, so that two modules, or a
# module and its node, may carry different versions of the same library. What a module lacks is
# found when it is linked and not when a node loads it.
function(dunlin_add_module name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINK")
    if(NOT arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "dunlin_add_module(${name}): name at least one source file")
    endif()

    set(directory "${CMAKE_BINARY_DIR}/modules")
    foreach(candidate IN ITEMS DUNLIN_MODULE_OUTPUT_DIRECTORY CMAKE_LIBRARY_OUTPUT_DIRECTORY)
        if(${candidate})
            set(directory "${${candidate}}")
        endif()
    endforeach()

    # Beside this file, wherever the function is called from: variables of a folder that is added to
    # a project do not reach that project.
    set(exports "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/dunlin_module.map")

    add_library(${name} MODULE ${arg_UNPARSED_ARGUMENTS})
    set_target_properties(${name} PROPERTIES
        PREFIX ""
        SUFFIX ".so"
        LIBRARY_OUTPUT_DIRECTORY "${directory}"
        C_VISIBILITY_PRESET hidden
        CXX_VISIBILITY_PRESET hidden
        VISIBILITY_INLINES_HIDDEN ON
        LINK_DEPENDS "${exports}")
    target_link_libraries(${name} PRIVATE dunlin::sdk ${arg_LINK})
    if(TARGET dunlin_options AND DUNLIN_MODULE_OUTPUT_DIRECTORY) # one of Dunlin's own
        target_link_libraries(${name} PRIVATE dunlin_options)
    endif()
    target_link_options(${name} PRIVATE
        "LINKER:--version-script=${exports}"
        LINKER:--require-defined=dunlin_module
        LINKER:--as-needed)
    # Clang's sanitizers leave their symbols to the program that loads the module.
    if(NOT (DUNLIN_SANITIZE AND CMAKE_CXX_COMPILER_ID MATCHES "Clang"))
        target_link_options(${name} PRIVATE LINKER:--no-undefined)
    endif()
endfunction()
