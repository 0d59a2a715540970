# The hardening that Debian builds its own packages with, besides PIE (see dpkg-buildflags).

include(CheckCXXCompilerFlag)
include(CheckLinkerFlag)

function(harden target)
    target_compile_options(${target} INTERFACE -Wformat -Werror=format-security)
    # glibc checks what an optimised program hands to it.
    target_compile_options(${target} INTERFACE
        $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE$<SEMICOLON>-D_FORTIFY_SOURCE=2>)
    foreach(flag IN ITEMS -fstack-protector-strong -fstack-clash-protection -fcf-protection)
        string(MAKE_C_IDENTIFIER "COMPILER_TAKES_${flag}" known)
        check_cxx_compiler_flag(${flag} ${known})
        target_compile_options(${target} INTERFACE $<$<BOOL:${${known}}>:${flag}>)
    endforeach()
    foreach(flag IN ITEMS relro now separate-code noexecstack)
        string(MAKE_C_IDENTIFIER "LINKER_TAKES_${flag}" known)
        check_linker_flag(CXX LINKER:-z,${flag} ${known})
        target_link_options(${target} INTERFACE $<$<BOOL:${${known}}>:LINKER:-z,${flag}>)
    endforeach()
endfunction()
