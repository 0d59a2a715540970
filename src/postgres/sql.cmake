# The longer SQL that PostgreSQL runs, each a file of its own in sql/, as string literals in sql.hpp.

# Writes postgres/sql.hpp below the build folder: k_NAME for each sql/NAME.sql.
function(embed_sql)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/sql/*.sql)
  set(constants "")
  foreach(file IN LISTS files)
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} sql)
    string(APPEND constants "inline constexpr const char* k_${name} = R\"sql(${sql})sql\";\n")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  endforeach()
  file(CONFIGURE OUTPUT generated/postgres/sql.hpp @ONLY CONTENT
"#pragma once

// Written by sql.cmake from the files in src/postgres/sql.
namespace ordercache::sql {

@constants@
} // namespace ordercache::sql
")
endfunction()
