"""Questions one after the other, each asked when the last was answered: a running count, and a bare GET."""

import contextlib
import os
import socket
import statistics
import subprocess
import time


@contextlib.contextmanager
def running_count(program, environment, customer):
    """Asks an `ordercache count --customers-from -` that runs on."""
    with subprocess.Popen(
        [program, "count", "--customers-from", "-"], env={**os.environ, **environment},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:
        question, to, answers = f"{customer}\n".encode(), process.stdin.fileno(), process.stdout.fileno()

        def ask():
            os.write(to, question)
            return os.read(answers, 100)
        yield ask
        process.stdin.close()


@contextlib.contextmanager
def open_connection(port, key):
    """Asks Redis itself, with GET."""
    question = f"*2\r\n$3\r\nGET\r\n${len(key)}\r\n{key}\r\n".encode()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def ask():
            connection.sendall(question)
            return connection.recv(100)
        yield ask


def seconds_of(ask, times):
    """The median of a question and its answer."""
    seconds = []
    for _ in range(times):
        begin = time.perf_counter()
        answer = ask()
        seconds.append(time.perf_counter() - begin)
        assert answer.endswith(b"\n"), answer
    return statistics.median(seconds)
