/*
 * mget PORT < CUSTOMERS: the cached counts of the customers, an id a line, as lines `id TAB count`.
 * The yardstick of a batch: MGETs of 1,000 keys, the next one sent before the last one's reply is
 * read.
 */

#include "connect.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { k_keys = 1000, k_id_size = 16, k_command_size = 64 * k_keys };

struct piece {
    int size;
    char ids[k_keys][k_id_size];
};

static void read_ids(struct piece* piece) {
    piece->size = 0;
    while (piece->size < k_keys && scanf("%15s", piece->ids[piece->size]) == 1) {
        ++piece->size;
    }
}

static void send_mget(int fd, const struct piece* piece) {
    if (piece->size == 0) {
        return;
    }
    static char text[k_command_size];
    char* end = text + sprintf(text, "*%d\r\n$4\r\nMGET\r\n", piece->size + 1);
    for (int i = 0; i < piece->size; ++i) {
        const char* id = piece->ids[i];
        end += sprintf(end, "$%zu\r\nnum_orders:%s\r\n", strlen("num_orders:") + strlen(id), id);
    }
    for (const char* rest = text; rest < end;) {
        const ssize_t sent = write(fd, rest, (size_t)(end - rest));
        if (sent <= 0) {
            exit(1);
        }
        rest += sent;
    }
}

static void print_counts(FILE* replies, const struct piece* piece) {
    char line[64];
    if (fgets(line, sizeof line, replies) == NULL || line[0] != '*') {
        exit(1);
    }
    for (int i = 0; i < piece->size; ++i) {
        if (fgets(line, sizeof line, replies) == NULL ||
            fgets(line, sizeof line, replies) == NULL) {
            exit(1);
        }
        line[strcspn(line, "\r")] = '\0';
        printf("%s\t%s\n", piece->ids[i], line);
    }
}

int main(int argc, char** argv) {
    if (argc != 2) {
        return 2;
    }
    const int fd = connect_to(argv[1]);
    FILE* replies = fdopen(fd, "r");
    static struct piece pieces[2];
    read_ids(&pieces[0]);
    send_mget(fd, &pieces[0]);
    for (int turn = 0; pieces[turn].size > 0; turn = 1 - turn) {
        struct piece* next = &pieces[1 - turn];
        read_ids(next);
        send_mget(fd, next);
        print_counts(replies, &pieces[turn]);
    }
    return 0;
}
