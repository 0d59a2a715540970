/* For LD_PRELOAD: a flush takes a millisecond, whatever the disk. */

#include <unistd.h>

int fdatasync(int fd) {
    (void)fd;
    (void)usleep(1000); // a signal may end it early
    return 0;
}
