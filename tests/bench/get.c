/* get PORT KEY: one GET of Redis, and its value printed. The yardstick of a hit. */

#include "connect.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char** argv) {
    if (argc != 3) {
        return 2;
    }
    const int fd = connect_to(argv[1]);
    char text[256];
    const int length =
        snprintf(text, sizeof text, "*2\r\n$3\r\nGET\r\n$%zu\r\n%s\r\n", strlen(argv[2]), argv[2]);
    if (write(fd, text, (size_t)length) != length) {
        return 1;
    }
    const ssize_t received = read(fd, text, sizeof text - 1);
    if (received <= 0) {
        return 1;
    }
    text[received] = '\0';
    const char* value = strchr(text, '\n');
    const char* end = value == NULL ? NULL : strchr(value + 1, '\r');
    if (text[0] != '$' || end == NULL) {
        return 1;
    }
    printf("%.*s\n", (int)(end - value - 1), value + 1);
    return 0;
}
