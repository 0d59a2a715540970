# The Lua scripts that Redis runs, each a file of its own in lua/, as string literals in scripts.hpp.

# Writes redis/scripts.hpp below the build folder: k_NAME for each lua/NAME.lua. Each begins with
# common.lua, and those of the ledger with ledger.lua behind it.
function(embed_scripts)
  set(folder ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/lua)
  file(GLOB files CONFIGURE_DEPENDS ${folder}/*_*.lua)
  set(constants "")
  foreach(file IN LISTS files)
    get_filename_component(name ${file} NAME_WE)
    file(READ ${folder}/common.lua script)
    if(name MATCHES "^ledger_")
      file(READ ${folder}/ledger.lua ledger)
      string(APPEND script "${ledger}")
    endif()
    file(READ ${file} steps)
    string(APPEND script "${steps}")
    string(APPEND constants "inline constexpr const char* k_${name} = R\"lua(${script})lua\";\n")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file} ${folder}/common.lua
                 ${folder}/ledger.lua)
  endforeach()
  file(CONFIGURE OUTPUT generated/redis/scripts.hpp @ONLY CONTENT
"#pragma once

// Written by scripts.cmake from the files in src/redis/lua.
namespace ordercache::scripts {

@constants@
} // namespace ordercache::scripts
")
endfunction()
