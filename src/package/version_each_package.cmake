# CPack reads this as it starts. The packages of a version are numbered by the time when they were
# built: where two had the same number, apt would keep the older program in silence.

string(TIMESTAMP built "%Y%m%d%H%M%S" UTC)
string(APPEND CPACK_PACKAGE_VERSION "+${built}")
