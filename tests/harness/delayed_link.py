#!/usr/bin/python3
"""
A link with a long round trip, in a network namespace of its own, with a Redis at its far end.

The delay is a TUN device that gives every packet back after half the round trip, with its two addresses exchanged: who
connects to the far address reaches the near one, handshake and all. (The kernel's own netem is not in every kernel.)
"""

import fcntl
import os
import queue
import struct
import subprocess
import sys
import threading
import time

import redis

import servers

NEAR, FAR = "10.9.0.1", "10.9.0.2"
DEVICE = "delayed"

# Root needs no user namespace, which is not to be had everywhere: not in a chroot.
USER_TOO = () if os.geteuid() == 0 else ("--map-root-user",)


class DelayedLink:
    def __init__(self, round_trip):
        """The round trip is in seconds."""
        self._holder = subprocess.Popen(
            ["unshare", *USER_TOO, "--net", "/usr/bin/python3", __file__, str(round_trip)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        assert self._holder.stdout.readline() == "ready\n", "no network namespace, or no TUN device in it"

    def within(self, *command):
        """The command, to be run on the near end."""
        return [
            "nsenter", f"--target={self._holder.pid}", *(("--user", "--preserve-credentials") if USER_TOO else ()), "--net",
            *map(str, command),
        ]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._holder.communicate()


class DistantRedis(servers.Redis):
    """A Redis at the far end. The tests themselves reach it at once, by its Unix socket."""

    def __init__(self, folder, link, *options):
        super().__init__(folder, "--bind", NEAR, "--protected-mode", "no", *options)
        self._link = link

    def command(self):
        return self._link.within(*super().command())

    def client(self, **options):
        return redis.Redis(unix_socket_path=str(self.socket), decode_responses=True, **options)

    def uri(self, credentials="", port=None):
        return f"redis://{credentials}{FAR}:{port or self.port}"


def open_device():
    """A TUN device with the near address, where packets are read and written as they are."""
    set_interface, tun_without_header = 0x400454CA, 0x1001
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, set_interface, struct.pack("16sH", DEVICE.encode(), tun_without_header))
    for change in ("link set lo up", f"address add {NEAR}/30 dev {DEVICE}", f"link set {DEVICE} up"):
        subprocess.run(["ip", *change.split()], check=True)
    return device


def give_back(device, packets):
    while True:
        due, packet = packets.get()
        time.sleep(max(0, due - time.monotonic()))
        # The checksums are sums: they stay right when addresses change places.
        os.write(device, packet[:12] + packet[16:20] + packet[12:16] + packet[20:])


def receive(device, delay, packets):
    while True:
        packet = os.read(device, 65536)
        is_ipv4 = packet[0] >> 4 == 4
        if is_ipv4:
            packets.put((time.monotonic() + delay, packet))


def hold(round_trip):
    """Keeps the link until stdin ends."""
    device, packets = open_device(), queue.SimpleQueue()
    threading.Thread(target=give_back, args=(device, packets), daemon=True).start()
    threading.Thread(target=receive, args=(device, round_trip / 2, packets), daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    hold(float(sys.argv[1]))
