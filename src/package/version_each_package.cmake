# CPack reads this as it starts. The packages of a version are numbered by the time when they were
# built: if two had the same number, apt would silently keep the older program.

string(TIMESTAMP built "%Y%m%d%H%M%S" UTC)
string(APPEND CPACK_PACKAGE_VERSION "+${built}")
