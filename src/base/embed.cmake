# Texts that the program holds, each a file of its own, as string literals in a header.

# Writes FOLDER.hpp below the build folder: k_NAME in the namespace of the folder's name for each
# file of src/FOLDER.
function(embed_texts folder)
  get_filename_component(namespace ${folder} NAME)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../${folder}/*)
  set(constants "")
  foreach(file IN LISTS files)
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} text)
    string(APPEND constants "inline constexpr const char* k_${name} = R\"text(${text})text\";\n")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  endforeach()
  file(CONFIGURE OUTPUT generated/${folder}.hpp @ONLY CONTENT
"#pragma once

// Written by embed.cmake from the files in src/${folder}.
namespace ordercache::${namespace} {

@constants@
} // namespace ordercache::${namespace}
")
endfunction()
