"""Peers that misbehave: one that says nothing, one that refuses, and a proxy that watches and cuts a conversation."""

import contextlib
import socket
import threading
import time


class Listener:
    """Accepts connections on a loopback port, each served in a thread of its own, until it is closed."""

    def __init__(self):
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._socket.getsockname()[1]
        self.connections = 0
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                self._open.append(connection)
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        """Says nothing."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shut(self._socket)
        for connection in self._open:
            shut(connection)


class Proxy(Listener):
    """
    Stands before a server and counts the turns that the client took.

    `act(proxy, client, server, message)` decides what becomes of the first message with `trigger` in it.
    """

    def __init__(self, target, trigger=None, act=None, delay=0):
        self.round_trips = 0
        self._delay = delay
        self.triggered = False
        self.refusing = False
        self._lock = threading.Lock()
        self._speaker = None
        self._muted = set()
        self._forgotten = set()
        self._target = target
        self._trigger = trigger
        self._act = act
        super().__init__()

    def serve(self, client):
        server = self._reach_server()
        if server is None:
            shut(client)
            return
        self._open.append(server)
        threading.Thread(target=self._answer, args=(server, client), daemon=True).start()
        with contextlib.suppress(OSError):
            while message := client.recv(65536):
                self._note("client")
                if client in self._forgotten:
                    continue
                if self._trigger and self._trigger in message and self.takes_up():
                    self._act(self, client, server, message)
                else:
                    server.sendall(message)
        shut(server)

    def watch_for(self, trigger, act):
        """From now on."""
        self._act, self._trigger = act, trigger

    def takes_up(self):
        """Whether it acts on a message with the trigger: on the first."""
        with self._lock:
            was_triggered, self.triggered = self.triggered, True
        return not was_triggered

    def _reach_server(self):
        with contextlib.suppress(ConnectionRefusedError):
            return None if self.refusing else socket.create_connection(("127.0.0.1", self._target))

    @contextlib.contextmanager
    def cut(self):
        """Ends all conversations, and lets nobody in meanwhile."""
        self.refusing = True
        for connection in self._open:
            shut(connection)
        yield
        self.refusing = False

    def _answer(self, server, client):
        with contextlib.suppress(OSError):
            while message := server.recv(65536):
                time.sleep(self._delay)
                self._note("server")
                if server not in self._muted:
                    client.sendall(message)
        shut(client)

    def mute(self, server):
        """What this server's connection says from now on is lost."""
        self._muted.add(server)

    def forget(self):
        """As a network does with connections that were idle: what is sent over those that are open is lost, without a word."""
        self._forgotten.update(self._open)

    def _note(self, speaker):
        self.round_trips += speaker == "client" != self._speaker
        self._speaker = speaker


def shut(connection):
    """Ends both directions at once, whoever waits in another thread."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def before_the_server_heard(_proxy, client, server, _message):
    """The connection breaks before the server hears the message."""
    shut(server)
    shut(client)


def after_the_server_committed(proxy, client, server, message):
    """The message is done, and its answer lost."""
    proxy.mute(server)
    server.sendall(message)
    time.sleep(0.5)
    shut(client)


@contextlib.contextmanager
def refusing_port():
    """A port where nobody listens, and nobody else will meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
