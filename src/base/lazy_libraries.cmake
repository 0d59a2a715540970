# Shared libraries that the program opens on first use: see lazy_library.hpp.

# Turns LAZY_LIBRARIES off, and says why, if the stubs are not known to work here or one of the TARGETS
# (imported libraries) is not static. An ordinary build then links every library.
function(check_lazy_libraries)
  set(obstacle "")
  if(NOT CMAKE_SYSTEM_NAME STREQUAL Linux OR NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|aarch64)$")
    set(obstacle "there are no stubs for ${CMAKE_SYSTEM_NAME} on ${CMAKE_SYSTEM_PROCESSOR}")
  endif()
  foreach(target IN LISTS ARGN)
    get_target_property(files ${target} INTERFACE_LINK_LIBRARIES)
    if(NOT files MATCHES "\\.a$")
      set(obstacle "${target} has no static library")
    endif()
  endforeach()
  if(LAZY_LIBRARIES AND obstacle)
    message(STATUS "All libraries are loaded at start: ${obstacle}")
    set(LAZY_LIBRARIES OFF)
  endif()
  set(LAZY_LIBRARIES ${LAZY_LIBRARIES} PARENT_SCOPE)
endfunction()

# Adds the library lazy_TABLE, which is linked after the CALLERS (archives) in place of the shared
# LIBRARIES: it defines TABLE, which open_library() takes, and a stub for each function that they
# call. Without LAZY_LIBRARIES it only brings the LIBRARIES.
function(add_lazy_library table)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" PACKAGE "LIBRARIES;CALLERS")
  if(NOT LAZY_LIBRARIES)
    add_library(lazy_${table} INTERFACE)
    target_link_libraries(lazy_${table} INTERFACE ${arg_LIBRARIES})
    return()
  endif()
  set(generator ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/forwarding_stubs)
  set(stubs ${CMAKE_CURRENT_BINARY_DIR}/${table}_stubs.S)
  add_library(lazy_${table} STATIC ${stubs})
  target_include_directories(lazy_${table} PRIVATE ${CMAKE_CURRENT_FUNCTION_LIST_DIR})
  add_custom_command(
    OUTPUT ${stubs}
    COMMAND ${generator} ${CMAKE_NM} ${CMAKE_READELF} ${table} ${arg_PACKAGE} ${arg_LIBRARIES} --
            ${arg_CALLERS} > ${stubs}
    DEPENDS ${generator} ${arg_LIBRARIES} ${arg_CALLERS}
    VERBATIM)
endfunction()

include(CheckLinkerFlag)

# Puts the C++ run-time library into PROGRAM, so that only libc is left to load.
function(link_runtime_statically program)
  if(LAZY_LIBRARIES)
    # libpqxx 8 calls frexp, which libm.so and libc.so have. It is libc's if that comes first.
    target_link_options(${program} PRIVATE -static-libstdc++ -static-libgcc LINKER:-lc,--as-needed,--gc-sections)
    # That library has 4,500 pointers for the loader to adjust. Packed they take 1 KB, not 105 KB, and a
    # hit 385,000 instructions and 121 page faults, not 408,000 and 123.
    check_linker_flag(CXX LINKER:-z,pack-relative-relocs LINKER_PACKS_RELOCATIONS)
    target_link_options(${program} PRIVATE $<$<BOOL:${LINKER_PACKS_RELOCATIONS}>:LINKER:-z,pack-relative-relocs>)
    # libstdc++ parses floats for libpqxx 7, and calls these two functions of libm for that. The linker
    # would make the program load libm.so for them, although it drops the caller. Unoptimised or built
    # by clang, fmt calls ceil too, which libm.a has only for static programs: then libm.so is loaded.
    set(inlines_ceil $<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release,RelWithDebInfo>>)
    target_link_options(${program} PRIVATE
        $<${inlines_ceil}:LINKER:--undefined=fegetround,--undefined=fesetround>)
    target_link_libraries(${program} PRIVATE $<${inlines_ceil}:-l:libm.a>)
  endif()
endfunction()
