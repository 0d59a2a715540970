"""A wire to a server that breaks at a chosen byte of the conversation."""

import contextlib
import socket
import threading
from dataclasses import dataclass

from peers import Listener, shut

TO_SERVER, TO_CLIENT = "to the server", "to the client"
DIRECTIONS = (TO_SERVER, TO_CLIENT)

CLOSE = "close"  # both ends see the connection end
TRUNCATE = "truncate"  # the receiver sees it end; the sender is told nothing, and still hears the receiver
STALL = "stall"  # neither hears anything any more
ACTS = (CLOSE, TRUNCATE, STALL)


@dataclass(frozen=True)
class Cut:
    """Carries `offset` bytes in that direction, and then acts instead of carrying the next."""

    direction: str
    offset: int
    act: str


class Wire(Listener):
    """Its first connection is cut, if a cut is given; later ones are not. Notes the length of each message."""

    def __init__(self, port, cut=None):
        self.messages = {direction: [] for direction in DIRECTIONS}
        self.was_cut = False
        self._port = port
        self._cut = cut
        self._stalled = False
        super().__init__()

    def serve(self, client):
        server = socket.create_connection(("127.0.0.1", self._port))
        self._open.append(server)
        cut, self._cut = self._cut, None
        ends = {TO_SERVER: (client, server), TO_CLIENT: (server, client)}
        for direction, (source, sink) in ends.items():
            here = cut if cut and cut.direction == direction else None
            threading.Thread(target=self._carry, args=(source, sink, direction, here), daemon=True).start()

    def _carry(self, source, sink, direction, cut):
        carried = 0
        with contextlib.suppress(OSError):
            while message := source.recv(65536):
                self.messages[direction].append(len(message))
                if cut and carried + len(message) > cut.offset:
                    sink.sendall(message[:max(cut.offset - carried, 0)])
                    self._break(source, sink, cut.act)
                    cut, sink = None, None
                elif sink and not self._stalled:
                    sink.sendall(message)
                carried += len(message)
        if not self._stalled:
            shut(source)
            if sink:
                shut(sink)

    def _break(self, source, sink, act):
        self.was_cut = True
        if act == CLOSE:
            shut(source)
            shut(sink)
        elif act == TRUNCATE:
            sink.shutdown(socket.SHUT_WR)
        else:
            self._stalled = True


def offsets(lengths, small):
    """Where to cut messages of these lengths: at each byte of the small ones, at the ends and the middle of others."""
    begin, chosen = 0, []
    for length in lengths:
        inside = range(length) if length <= small else (0, 1, length // 2, length - 1)
        chosen += [begin + offset for offset in inside]
        begin += length
    return chosen
