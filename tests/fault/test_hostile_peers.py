"""Peers that say nothing, a byte a second, garbage or far too much: bounded time and memory, and the right status."""

import contextlib
import pathlib
import re
import socket
import threading
import time

import pytest

from orders import CSV, an_order
from peers import Listener

TIMEOUT = 3
GRACE = 6  # what a loaded machine takes
MOST_MEMORY = 64 << 20

GIGABYTE = 1 << 30


class Silent(Listener):
    pass


class Slow(Listener):
    """A byte a second of a reply that would be good if it came in time."""

    def serve(self, connection):
        connection.recv(65536)
        for byte in b"$5\r\n12000\r\n":
            connection.sendall(bytes([byte]))
            time.sleep(1)


class Garbage(Listener):
    def serve(self, connection):
        connection.recv(65536)
        connection.sendall(bytes(range(255, 0, -1)) * 16)


class Flood(Listener):
    """A gigabyte in one bulk string, announced truly."""

    def serve(self, connection):
        connection.recv(65536)
        connection.sendall(b"$%d\r\n" % GIGABYTE)
        pour(connection)


class EndlessLine(Listener):
    def serve(self, connection):
        connection.recv(65536)
        connection.sendall(b"+")
        pour(connection)


class WideArray(Listener):
    """An array of a thousand million elements, of which it goes on to send some."""

    def serve(self, connection):
        connection.recv(65536)
        connection.sendall(b"*1000000000\r\n")
        pour(connection, b":1\r\n" * 16384)


class PostgresFlood(Listener):
    """Declines TLS, then sends an error message of a gigabyte."""

    def serve(self, connection):
        if connection.recv(8)[4:] == b"\x04\xd2\x16\x2f":
            connection.sendall(b"N")
            connection.recv(65536)
        connection.sendall(b"E" + GIGABYTE.to_bytes(4, "big"))
        pour(connection)


def pour(connection, chunk=b"1" * 65536):
    for _ in range(GIGABYTE // len(chunk)):
        connection.sendall(chunk)


def quietly(peer):
    """A program that hangs up is what such a peer must expect."""
    class Quiet(peer):
        def serve(self, connection):
            try:
                super().serve(connection)
            except OSError:
                return
    return Quiet()


REDIS_PEERS = [Silent, Slow, Garbage, Flood, EndlessLine, WideArray]
POSTGRES_PEERS = [Silent, Slow, Garbage, PostgresFlood]


class Memory(threading.Thread):
    """Watches the peak of a process's resident memory, in bytes."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.peak = 0
        self._process = process
        self._look()
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while self._process.returncode is None:
                self._look()
                time.sleep(0.002)

    def _look(self):
        peak = re.search(r"VmHWM:\s*(\d+) kB", pathlib.Path(f"/proc/{self._process.pid}/status").read_text())
        self.peak = max(self.peak, int(peak[1]) << 10 if peak else 0)


@pytest.fixture
def run_bounded(ordercache, record_property):
    """Runs the program to its end within its bounds: status, stdout and stderr."""
    def run(*arguments, env):
        begin = time.monotonic()
        process = ordercache.start(*arguments, f"--timeout={TIMEOUT}", env=env, errors="replace")
        memory = Memory(process)
        stdout, stderr = process.communicate(timeout=20)
        seconds = time.monotonic() - begin
        assert seconds < TIMEOUT + GRACE
        assert memory.peak < MOST_MEMORY
        assert memory.peak > 0 or seconds < 0.5  # too short to be seen
        record_property("hostile peers, most seconds", round(seconds, 1))
        record_property("hostile peers, most MiB", memory.peak >> 20)
        return process.returncode, stdout, stderr

    return run


@pytest.mark.parametrize("peer", REDIS_PEERS)
def test_a_count_is_answered_whatever_redis_says(peer, run_bounded):
    with quietly(peer) as redis:
        status, stdout, stderr = run_bounded("count", env={"REDIS_SERVICE_URI": redis_uri(redis)})
    assert (status, stdout) == (0, "12000\n")
    assert stderr.startswith("ordercache: warning: ") and stderr.count("\n") == 1


@pytest.mark.parametrize("peer", REDIS_PEERS)
@pytest.mark.parametrize("arguments", [an_order(), ["invalidate"], ["ttl"]], ids=["add", "invalidate", "ttl"])
def test_a_command_that_needs_redis_fails_whatever_it_says_instead(peer, arguments, run_bounded, database):
    with quietly(peer) as redis:
        status, stdout, stderr = run_bounded(*arguments, env={"REDIS_SERVICE_URI": redis_uri(redis)})
    assert (status, stdout) == (4, "")
    assert stderr.startswith("ordercache: error: ") and stderr.count("\n") == 1
    assert database.value("SELECT count(*) FROM orders") == 12000


class TurnsHostile(Listener):
    """Answers as Redis does for some commands, and then whatever a test says, again and again."""

    ANSWERS = {
        b"HELLO": b"*2\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n", b"SCAN": b"*2\r\n$1\r\n0\r\n*1\r\n$14\r\nnum_orders:all\r\n",
        b"DEL": b":1\r\n", b"EXISTS": b":1\r\n", b"PTTL": b":1000\r\n", b"SET": b"+OK\r\n", b"EVAL": b"$-1\r\n", b"GET": b"$-1\r\n",
        b"MGET": b"*2\r\n$-1\r\n$-1\r\n",
    }

    def __init__(self, good, bad):
        self._good, self._bad = good, bad
        super().__init__()

    def serve(self, connection):
        answered = 0
        while message := received(connection):
            for name in re.findall(rb"(?:^|\r\n)\*\d+\r\n\$\d+\r\n(\w+)", message):
                connection.sendall(self.ANSWERS[name] if answered < self._good else self._bad)
                answered += 1


def received(connection):
    """Nothing once the test is over."""
    with contextlib.suppress(OSError):
        return connection.recv(65536)


WRONG_REPLIES = [
    b"+OK\r\n", b":1\r\n", b"$-1\r\n", b"$1\r\n7\r\n", b"*0\r\n", b"*-1\r\n", b"*1\r\n$1\r\n0\r\n", b"*2\r\n$1\r\n0\r\n$1\r\n7\r\n",
    b"*2\r\n:0\r\n*0\r\n", b"*2\r\n$1\r\n0\r\n*1\r\n:7\r\n", b"-MOVED 1\r\n", b"-WRONGTYPE\r\n", b"-CROSSSLOT\r\n", b"-\r\n", b"+\r\n",
]
COMMANDS = [
    ["count"], ["count", "--customer=9998", "--customer=9999"], ["count", "--refresh"], ["ttl"], ["invalidate"],
    ["invalidate", "--dry-run"], ["invalidate", "--customer=9999"], ["invalidate", "--stale"],
    ["add", "--dry-run", *an_order()[1:]],
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("good", range(5))
def test_a_reply_of_the_wrong_shape_is_a_sentence_whichever_reply_it_is(good, arguments, ordercache):
    counts = arguments[0] == "count"
    for bad in WRONG_REPLIES:
        with TurnsHostile(good, bad) as redis:
            run = ordercache(*arguments, "--timeout=15", env={"REDIS_SERVICE_URI": redis_uri(redis)})
        assert run.status in ([0] if counts else [0, 1, 4]), (bad, run)
        assert all(line.startswith("ordercache: ") for line in run.stderr.splitlines()), (bad, run)
        assert all("Redis at 127.0.0.1:" in line or "not a count" in line for line in run.stderr.splitlines()), (bad, run)


class EndlessPages(TurnsHostile):
    """Sends pages of keys for as long as somebody listens, once it is asked for one."""

    PAGE = b"*2\r\n$2\r\n17\r\n*1\r\n$12\r\nnum_orders:1\r\n"

    def __init__(self):
        super().__init__(1, b"")

    def serve(self, connection):
        connection.recv(65536)
        connection.sendall(self.ANSWERS[b"HELLO"])
        connection.recv(65536)
        pour(connection, self.PAGE * 1000)


def test_a_peer_that_sends_pages_without_end_is_left(run_bounded):
    with quietly(EndlessPages) as redis:
        status, stdout, stderr = run_bounded("invalidate", env={"REDIS_SERVICE_URI": redis_uri(redis)})
    assert (status, stdout) == (4, "")
    assert "it sent more than it was asked for" in stderr and stderr.count("\n") == 1


def test_a_signal_ends_a_scan_that_does_not_end(ordercache):
    with TurnsHostile(1, EndlessPages.PAGE) as redis:
        process = ordercache.start("invalidate", "--dry-run", env={"REDIS_SERVICE_URI": redis_uri(redis)})
        time.sleep(0.5)
        process.terminate()
        assert process.wait(timeout=20) == -15


def test_each_reply_of_a_pipeline_has_its_own_time(ordercache, tmp_path):
    class Deliberate(Listener):
        """Takes its time for each 250 values, within the three seconds that a reply has, and beyond them for all."""

        def serve(self, connection):
            while connection.recv(65536):
                connection.sendall(b":-2\r\n$-1\r\n")  # nobody follows
                for _ in range(3):
                    time.sleep(1.2)
                    connection.sendall(b"*250\r\n" + b"$1\r\n7\r\n" * 250)

    customers = tmp_path / "customers"
    customers.write_text("".join(f"{customer}\n" for customer in range(1, 751)))
    with quietly(Deliberate) as redis:
        run = ordercache(
            "count", f"--customers-from={customers}", env={"REDIS_SERVICE_URI": f"{redis_uri(redis)}?socket_timeout=3"},
        )
    assert (run.status, run.stdout.count("\t7\n"), run.stderr) == (0, 750, "")


@pytest.mark.parametrize("peer", POSTGRES_PEERS)
@pytest.mark.parametrize("arguments", [an_order(), ["count"]], ids=["add", "count"])
def test_a_command_that_needs_postgresql_fails_whatever_it_says_instead(peer, arguments, run_bounded, postgres, cache):
    with quietly(peer) as server:
        status, stdout, stderr = run_bounded(*arguments, env={"PG_SERVICE_URI": postgres.uri(port=server.port)})
    assert (status, stdout) == (3, "")
    *warnings, error = stderr.splitlines()
    assert error.startswith("ordercache: error: ")
    assert all("warning: lost Redis" in warning for warning in warnings)  # on a loaded machine it may answer late, too
    assert cache.keys() == []


def message(kind, body):
    return kind + (len(body) + 4).to_bytes(4, "big") + body


def rows(columns, *values):
    """A result of text columns; a value that is None is NULL."""
    def cell(value):
        return b"\xff\xff\xff\xff" if value is None else len(value).to_bytes(4, "big") + value
    fields = b"".join(name + b"\0" + bytes(6) + (25).to_bytes(4, "big") + b"\xff\xff" + bytes(6) for name in columns)
    described = message(b"T", len(columns).to_bytes(2, "big") + fields)
    data = b"".join(message(b"D", len(row).to_bytes(2, "big") + b"".join(map(cell, row))) for row in values)
    return described + data + message(b"C", b"SELECT\0")


class Impostor(Listener):
    """Speaks PostgreSQL's protocol, and gives answers of the wrong shape: to the statement with `text`, or to each."""

    def __init__(self, answer, text=b""):
        self._answer = answer
        self._text = text
        super().__init__()

    def serve(self, connection):
        try:
            self._converse(connection)
        except OSError:
            return

    def _converse(self, connection):
        ready = message(b"Z", b"I")
        while connection.recv(65536)[4:8] in (b"\x04\xd2\x16\x2f", b"\x04\xd2\x16\x30"):
            connection.sendall(b"N")
        version = message(b"S", b"server_version\x0015.0\0") + message(b"S", b"client_encoding\0UTF8\0")
        connection.sendall(message(b"R", bytes(4)) + version + message(b"K", bytes(8)) + ready)
        while asked := connection.recv(65536):
            answer = self._answer if self._text in asked else message(b"C", b"BEGIN\0")
            extended = message(b"1", b"") + message(b"2", b"") if asked[:1] == b"P" else b""
            connection.sendall(extended + answer + ready)


WRONG_SHAPES = {
    "no rows": rows([b"count"]),
    "no columns": rows([], []),
    "NULL": rows([b"count"], [None]),
    "text for a number": rows([b"count"], [b"many"]),
    "two rows": rows([b"count"], [b"1"], [b"2"]),
    "other columns": rows([b"other"], [b"1"]),
    "nothing at all": message(b"I", b""),
    "another command's end": message(b"C", b"COMMIT\0"),
}


@pytest.mark.parametrize("shape", WRONG_SHAPES)
@pytest.mark.parametrize("arguments, text", [
    (["count", "--no-cache"], b"count("),
    (["count", "--no-cache", "--customer=1"], b"count("),
    (["count", "--refresh"], b"pg_lock_status"),
    ([*an_order(), "--no-cache", "-q"], b"INSERT"),
    (["add", "--from=orders.csv", "--no-cache", "-q"], b"BEGIN"),
], ids=["count", "customer", "probe", "insert", "file"])
def test_a_reply_of_the_wrong_shape_is_a_sentence_and_never_a_crash(
    shape, arguments, text, run_bounded, postgres, tmp_path, monkeypatch,
):
    (tmp_path / "orders.csv").write_text("date,customer,net,tax\n2023-03-10,9999,23.00,1.80\n")
    monkeypatch.chdir(tmp_path)
    with Impostor(WRONG_SHAPES[shape], text) as server:
        status, stdout, stderr = run_bounded(*arguments, env={"PG_SERVICE_URI": postgres.uri(port=server.port)})
    assert status in (1, 3, 5) and stdout == ""
    assert stderr.startswith("ordercache: error: ") and stderr.count("\n") == 1


class PostgresTurnsHostile(Listener):
    """Stands before PostgreSQL, passes on some replies, and then gives answers of the wrong shape in their place."""

    def __init__(self, postgres, good, bad):
        self._postgres, self._good, self._bad = postgres, good, bad
        self.turned = False
        super().__init__()

    def serve(self, client):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._postgres)) as server:
            self._open.append(server)
            threading.Thread(target=self._pass_on_questions, args=(client, server), daemon=True).start()
            self._pass_on_replies(server.makefile("rb"), client)

    def _pass_on_questions(self, client, server):
        with contextlib.suppress(OSError):
            while asked := client.recv(65536):
                if asked[4:8] in (b"\x04\xd2\x16\x2f", b"\x04\xd2\x16\x30"):
                    client.sendall(b"N")
                else:
                    server.sendall(asked)
            server.shutdown(socket.SHUT_RDWR)

    def _pass_on_replies(self, server, client):
        replies, reply = -1, b""  # the first is the greeting
        while header := server.read(5):
            reply += header + server.read(int.from_bytes(header[1:], "big") - 4)
            if header[:1] not in (b"Z", b"G"):
                continue
            replies += 1
            if replies > self._good:
                self.turned = True
                reply = self._bad + message(b"Z", b"T")
            client.sendall(reply)
            reply = b""


@pytest.mark.parametrize("arguments", [
    ["count", "--refresh"], ["count", "--refresh", "--customer=9998", "--customer=9999"], an_order(),
    [*an_order(), "--dry-run"], ["add", "--from=orders.csv"], ["add", "--from=orders.csv", "--dry-run"],
], ids=" ".join)
def test_a_wrong_answer_is_a_sentence_whichever_answer_of_postgresql_s_it_is(
    arguments, ordercache, postgres, database, tmp_path, monkeypatch,
):
    (tmp_path / "orders.csv").write_text(CSV)
    monkeypatch.chdir(tmp_path)
    for shape, bad in WRONG_SHAPES.items():
        turned, good = True, 0
        while turned:
            with PostgresTurnsHostile(postgres.port, good, bad) as server:
                run = ordercache(*arguments, "--timeout=15", env={"PG_SERVICE_URI": postgres.uri(port=server.port)})
                turned = server.turned
            assert run.status in (0, 1, 3, 5), (shape, good, run)
            assert all(line.startswith("ordercache: ") for line in run.stderr.splitlines()), (shape, good, run)
            assert run.status == 0 or run.stderr.count("error: PostgreSQL at 127.0.0.1:") == 1, (shape, good, run)
            assert run.status != 0 or run.stdout.strip(), (shape, good, run)
            good += 1
    assert ordercache("count", "--no-cache").stdout == f"{database.value('SELECT count(*) FROM orders')}\n"


def redis_uri(peer):
    return f"redis://127.0.0.1:{peer.port}"
