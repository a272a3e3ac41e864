# SPDX-License-Identifier: Apache-2.0
#
# Takes away what the last `cmake --install` of a build put somewhere, and the folders that are left
# empty by it.
#
#   cmake -D MANIFEST=BUILD/install_manifest.txt -P DunlinUninstall.cmake
if(NOT EXISTS "${MANIFEST}")
    message(FATAL_ERROR "nothing has been installed from here: there is no ${MANIFEST}")
endif()
file(STRINGS "${MANIFEST}" files)
foreach(path IN LISTS files)
    set(path "$ENV{DESTDIR}${path}")
    if(EXISTS "${path}" OR IS_SYMLINK "${path}")
        message(STATUS "removing ${path}")
        file(REMOVE "${path}")
    endif()
    # Only folders that are Dunlin's own: others may be empty for reasons of theirs.
    cmake_path(GET path PARENT_PATH folder)
    while(folder MATCHES "/dunlin(/|$)" AND IS_DIRECTORY "${folder}")
        file(GLOB left LIST_DIRECTORIES true "${folder}/*" "${folder}/.*")
        if(left)
            break()
        endif()
        file(REMOVE_RECURSE "${folder}")
        cmake_path(GET folder PARENT_PATH folder)
    endwhile()
endforeach()
file(REMOVE "${MANIFEST}")
