# Shared libraries that the program opens on first use: see lazy_library.hpp.

option(LAZY_LIBRARIES "Open libpq and OpenSSL on first use, and put the other libraries into the program" ON)

enable_language(ASM)

# Turns LAZY_LIBRARIES off, and says why, where no stub is known for the processor or one of the
# TARGETS (imported libraries) is not static: everything is then linked in the usual way.
function(check_lazy_libraries)
  set(obstacle "")
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|aarch64)$")
    set(obstacle "no forwarding stub is known for ${CMAKE_SYSTEM_PROCESSOR}")
  endif()
  foreach(target IN LISTS ARGN)
    get_target_property(files ${target} INTERFACE_LINK_LIBRARIES)
    if(NOT files MATCHES "\\.a$")
      set(obstacle "${target} has no static library")
    endif()
  endforeach()
  if(LAZY_LIBRARIES AND obstacle)
    message(STATUS "Every library is loaded at start, none on first use: ${obstacle}")
    set(LAZY_LIBRARIES OFF PARENT_SCOPE)
  endif()
endfunction()

# Adds the library lazy_TABLE, which is linked after the CALLERS (archives) in place of the shared
# LIBRARIES: it defines TABLE, which open_library() takes, and a stub for each function that they
# call. Without LAZY_LIBRARIES it has no stub and brings LIBRARIES themselves: the source is the same.
function(add_lazy_library table)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" PACKAGE "LIBRARIES;CALLERS")
  set(generator ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/forwarding_stubs)
  set(stubs ${CMAKE_CURRENT_BINARY_DIR}/${table}_stubs.S)
  add_library(lazy_${table} STATIC ${stubs})
  target_include_directories(lazy_${table} PRIVATE ${CMAKE_CURRENT_FUNCTION_LIST_DIR})
  if(NOT LAZY_LIBRARIES)
    set(arg_CALLERS "")
    target_link_libraries(lazy_${table} INTERFACE ${arg_LIBRARIES})
  endif()
  add_custom_command(
    OUTPUT ${stubs}
    COMMAND ${generator} ${CMAKE_NM} ${CMAKE_READELF} ${table} ${arg_PACKAGE} ${arg_LIBRARIES} --
            ${arg_CALLERS} > ${stubs}
    DEPENDS ${generator} ${arg_LIBRARIES} ${arg_CALLERS}
    VERBATIM)
endfunction()

include(CheckLinkerFlag)

# Puts the C++ run-time library into PROGRAM, so that libc alone is left to load.
function(link_runtime_statically program)
  if(LAZY_LIBRARIES)
    target_link_options(${program} PRIVATE -static-libstdc++ -static-libgcc LINKER:--as-needed,--gc-sections)
    # That library has 4,500 pointers for the loader to adjust. Packed they take 1 KB, not 105 KB, and a
    # hit 385,000 instructions and 121 page faults, not 408,000 and 123.
    check_linker_flag(CXX LINKER:-z,pack-relative-relocs LINKER_PACKS_RELOCATIONS)
    target_link_options(${program} PRIVATE $<$<BOOL:${LINKER_PACKS_RELOCATIONS}>:LINKER:-z,pack-relative-relocs>)
    # libstdc++ parses floats for libpqxx 7, and calls these two functions of libm for it. The linker
    # would have libm.so loaded for them though it then drops the caller. Unoptimised, or by clang,
    # fmt calls ceil too, which in libm.a is for static programs alone: libm.so it is.
    set(inlines_ceil $<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release,RelWithDebInfo>>)
    target_link_options(${program} PRIVATE
        $<${inlines_ceil}:LINKER:--undefined=fegetround,--undefined=fesetround>)
    target_link_libraries(${program} PRIVATE $<${inlines_ceil}:-l:libm.a>)
  endif()
endfunction()
