# What Debian's own packages are built with, besides PIE (see dpkg-buildflags).

include(CheckCXXCompilerFlag)

function(harden target)
    target_compile_options(${target} INTERFACE -fstack-protector-strong -Wformat -Werror=format-security)
    # glibc checks what an optimised program hands to it.
    target_compile_options(${target} INTERFACE
        $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE$<SEMICOLON>-D_FORTIFY_SOURCE=2>)
    foreach(flag IN ITEMS -fstack-clash-protection -fcf-protection)
        string(MAKE_C_IDENTIFIER "COMPILER_TAKES_${flag}" known)
        check_cxx_compiler_flag(${flag} ${known})
        target_compile_options(${target} INTERFACE $<$<BOOL:${${known}}>:${flag}>)
    endforeach()
    target_link_options(${target} INTERFACE LINKER:-z,relro,-z,now,-z,separate-code,-z,noexecstack)
endfunction()
