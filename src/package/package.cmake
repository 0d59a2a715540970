# `cpack -G DEB` packs what is installed for Debian.

# The Debian packages that the files belong to: `libssl3` in one release is `libssl3t64` in the next.
function(find_packages_of result)
    set(packages "")
    foreach(file IN LISTS ARGN)
        file(REAL_PATH ${file} file)
        execute_process(COMMAND ${DPKG_QUERY} --search ${file} OUTPUT_VARIABLE owner)
        string(REGEX MATCH "^[^:]+" package "${owner}")
        list(APPEND packages ${package})
    endforeach()
    set(${result} ${packages} PARENT_SCOPE)
endfunction()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "count and add orders, with a cache that stays true")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"ordercache answers how many orders there are, altogether or of a customer,
from a Redis or Valkey cache in front of PostgreSQL. It adds orders as well,
and keeps every cached count equal to the one in PostgreSQL meanwhile.")
set(CPACK_PACKAGE_CONTACT "The ordercache authors <ordercache@ordercache.example>")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_LIST_DIR}/prerm ${CMAKE_CURRENT_LIST_DIR}/postrm)

# The program is not linked with the libraries that it opens on first use.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
find_program(DPKG_QUERY dpkg-query)
if(DPKG_QUERY)
    find_packages_of(opened_packages ${LIBPQ} ${OPENSSL_SSL_LIBRARY})
    list(JOIN opened_packages ", " CPACK_DEBIAN_PACKAGE_DEPENDS)
endif()

# With a component's name CPack writes its own list of installed files. The list of everything belongs
# to root if root has run `cmake --install` before.
set(CPACK_INSTALL_CMAKE_PROJECTS "${CMAKE_BINARY_DIR};${PROJECT_NAME};Unspecified;/")
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_LIST_DIR}/version_each_package.cmake)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/follow_debian_policy.cmake)
include(CPack)
