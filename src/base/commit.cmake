# Writes HEADER, which tells cli/help.cpp the commit that is checked out in SOURCE, or an empty text if
# there is none, as in a tarball. Every build runs this. The header changes only if the commit does, so
# that nothing is compiled anew without need.

cmake_minimum_required(VERSION 3.25)

find_program(GIT git)
set(commit "")
if(GIT AND EXISTS ${SOURCE}/.git) # a folder above may be another project's
    execute_process(
        COMMAND ${GIT} --no-optional-locks -C ${SOURCE} describe --always --dirty --abbrev=12 --exclude=*
        OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
file(CONFIGURE OUTPUT ${HEADER} CONTENT "#define ORDERCACHE_COMMIT \"@commit@\"\n" @ONLY)
