# CPack runs this on the installed files before it packs them, for the rest of what Debian asks of a
# package.

set(share ${CPACK_TEMPORARY_DIRECTORY}/usr/share)
set(documentation ${share}/doc/ordercache)

# Debian's zsh looks for the completions of packages in a folder of its own.
file(MAKE_DIRECTORY ${share}/zsh/vendor-completions)
file(RENAME ${share}/zsh/site-functions/_ordercache ${share}/zsh/vendor-completions/_ordercache)
file(REMOVE_RECURSE ${share}/zsh/site-functions)

# The program holds a part of these libraries, whose licences ask to be shown with it.
file(READ ${CMAKE_CURRENT_LIST_DIR}/../../LICENSE copyright)
foreach(package libpqxx-dev libhiredis-dev libfmt-dev)
    file(READ /usr/share/doc/${package}/copyright notice)
    string(APPEND copyright "\n\nThe program holds a part of Debian's ${package}:\n\n${notice}")
endforeach()
file(WRITE ${documentation}/copyright "${copyright}")

configure_file(${CMAKE_CURRENT_LIST_DIR}/changelog ${documentation}/changelog @ONLY)
execute_process(COMMAND gzip --best --no-name ${documentation}/changelog ${share}/man/man1/ordercache.1
                COMMAND_ERROR_IS_FATAL ANY)
