"""tests/demo: the session that it plays, the status that it returns, and nothing left behind."""

import contextlib
import fcntl
import os
import pathlib
import re
import signal
import subprocess

import pytest

import servers
from servers import wait_until
from terminals import Terminal

DEMO = servers.TESTS / "demo"

SESSION = r"""\$ ordercache count -v
Checking cache key num_orders:all
.*
Looking up all orders
Caching num_orders:all, value is 12000, for 120 s
12000

\$ ordercache count -v
Checking cache key num_orders:all
Found num_orders:all, value is 12000
12000

\$ ordercache count --customer 9999
1

\$ ordercache add --date 2023-03-10 --customer 9999 --net 23.00 --tax 1.80 -v
Adding order for customer 9999
.*
Clearing caches for num_orders:all and num_orders:9999
Added new order 12001
12001

\$ ordercache count
12001

\$ ordercache ttl
1[12]\d

\$ ordercache invalidate
1
"""
TELL_FOLDER = 'echo "${REDIS_SERVICE_URI#unix://}"; cat "$(dirname "${REDIS_SERVICE_URI#unix://}")/data/postmaster.pid"'


@pytest.fixture
def demo(folder):
    """Starts the demo. One at a time, for each builds the program first."""
    with DEMO.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lambda *arguments: subprocess.Popen(
            [DEMO, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, start_new_session=True,
        )


def servers_of(output):
    """The folder of a demo's servers and the process of its PostgreSQL, as TELL_FOLDER printed them."""
    socket, postmaster = output.split("\n")[:2]
    return pathlib.Path(socket).parent, int(postmaster)


def assert_nothing_left(folder, postmaster):
    assert not folder.exists()
    assert not runs(postmaster)
    assert f"{folder}/redis.sock" not in pathlib.Path("/proc/net/unix").read_text()


def runs(process):
    """Whether it is there, and not only waits for its parent to take note of its end."""
    command = pathlib.Path(f"/proc/{process}/cmdline")
    return command.exists() and command.read_bytes() != b""


def test_the_session_is_the_tutorials_whatever_table_is_set(demo, monkeypatch):
    for name in ("ORDERS_TABLE", "ORDERS_COLUMNS", "ORDERS_WHERE", "ORDERS_CUSTOMER_TYPE", "REDIS_PASSWORD_FILE"):
        monkeypatch.setenv(name, "another's")
    stdout, _ = demo().communicate(timeout=300)
    assert re.fullmatch(SESSION, stdout.rstrip("\n") + "\n")


@pytest.fixture
def shell(folder):
    """A terminal in the demo's shell, and what runs there."""
    terminal = Terminal(folder, dict(os.environ))
    with DEMO.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        terminal.type(f"{DEMO} --shell")
        wait_until(lambda: terminal.screen().endswith(("#", "$")) and "(ordercache demo)" in terminal.screen(),
                   seconds=300, what="the demo's prompt")
        terminal.type(f"clear; {TELL_FOLDER}; echo told")
        terminal.wait_for("told")
        yield terminal, servers_of(terminal.screen())
    with contextlib.suppress(subprocess.CalledProcessError):
        terminal.end()


def test_its_shell_says_where_one_is_completes_and_leaves_nothing_behind(shell):
    terminal, told = shell
    terminal.press("ordercache inv", "Tab")
    terminal.wait_for_part("ordercache invalidate")
    terminal.press("C-u")
    terminal.type("exit")
    terminal.wait_for("$")
    assert_nothing_left(*told)


@pytest.mark.parametrize("keys", [[], ["exit", "Enter"]], ids=["at the prompt", "while it ends"])
def test_a_closed_terminal_leaves_nothing_behind(shell, keys):
    terminal, (folder, postmaster) = shell
    terminal.press(*keys)
    terminal.end()
    wait_until(lambda: not folder.exists(), what="the end of the demo")
    assert_nothing_left(folder, postmaster)


def test_a_command_runs_there_and_its_status_is_returned(demo):
    process = demo("sh", "-c", f"{TELL_FOLDER}; ordercache ttl; exit $((40 + $?))")
    stdout, _ = process.communicate(timeout=300)
    assert process.returncode == 41
    assert_nothing_left(*servers_of(stdout))


def test_an_interrupt_leaves_nothing_behind(demo):
    process = demo("sh", "-c", f"{TELL_FOLDER}; echo; exec sleep 60")
    told = "".join(iter(process.stdout.readline, "\n"))
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode != 0
    assert_nothing_left(*servers_of(told))
