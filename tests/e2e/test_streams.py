"""Streams: the answer on stdout, alone; what happened on stderr, only when asked for or when something is wrong."""

import os
import pty
import resource
import signal
import time

import pytest

from orders import NEXT_ORDER, added, an_order
from peers import refusing_port

COMMANDS = [
    ("count",), ("count", "--customer", "9999"), ("count", "--refresh"), ("count", "--no-cache"), tuple(an_order()),
    (*an_order(), "--dry-run"), ("invalidate",), ("invalidate", "--customer", "9999"), ("--help",), ("--version",),
]


def told(run, database):
    """The lines of -v, without the one that names the database in use."""
    return [line for line in run.stderr.splitlines() if database.name not in line]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_clean_run_leaves_stderr_empty(ordercache, command):
    run = ordercache(*command)
    assert (run.status, run.stderr) == (0, "")
    assert run.stdout.endswith("\n")


def test_a_hit_leaves_stderr_empty(ordercache):
    ordercache("count")
    assert ordercache("count").stderr == ordercache("ttl").stderr == ""


def test_verbose_tells_of_a_miss(ordercache, database):
    run = ordercache("count", "-v")
    assert run.stdout == "12000\n"
    assert told(run, database) == [
        "Checking cache key num_orders:all",
        "Looking up all orders",
        "Caching num_orders:all, value is 12000, for 120 s",
    ]


def test_verbose_tells_of_a_hit(ordercache):
    ordercache("count")
    assert ordercache("--verbose", "count").stderr == (
        "Checking cache key num_orders:all\n"
        "Found num_orders:all, value is 12000\n"
    )


def test_verbose_tells_of_a_customers_miss(ordercache, database):
    run = ordercache("count", "--customer", "9999", "-v", env={"CACHE_KEY_PREFIX": "shop", "CACHE_TIMEOUT_SECONDS": "7"})
    assert told(run, database) == [
        "Checking cache key shop:9999",
        "Looking up orders for customer 9999",
        "Caching shop:9999, value is 1, for 7 s",
    ]


def test_verbose_tells_of_an_add(ordercache, database):
    run = ordercache(*an_order(), "-v")
    assert run.stdout == f"{NEXT_ORDER}\n"
    assert sorted(told(run, database)) == [
        "Added new order 12001",
        "Adding order for customer 9999",
        "Clearing caches for num_orders:all and num_orders:9999",
    ]
    assert told(run, database)[-1] == "Added new order 12001"


def test_verbose_tells_of_an_invalidated_customer(ordercache):
    assert "Clearing caches for num_orders:all and num_orders:9999\n" in (
        ordercache("invalidate", "--customer", "9999", "-v").stderr
    )


def test_an_error_is_one_line_that_names_the_peer_and_the_act(ordercache):
    with refusing_port() as port:
        cache = ordercache("ttl", env={"REDIS_SERVICE_URI": f"redis://:pw@127.0.0.1:{port}"})
        postgres = ordercache("count", "--no-cache", env={"PG_SERVICE_URI": f"postgresql://u:pw@127.0.0.1:{port}/x"})
    assert cache.stderr == f"ordercache: error: cannot connect to Redis at 127.0.0.1:{port}: Connection refused\n"
    assert postgres.stderr.startswith("ordercache: error: cannot connect to PostgreSQL")
    assert str(port) in postgres.stderr
    assert postgres.stderr.endswith("\n") and postgres.stderr.count("\n") == 1


def test_quiet_silences_warnings_and_not_errors(ordercache, cache):
    cache.set("num_orders:all", "garbage")
    with refusing_port() as port:
        nowhere = {"REDIS_SERVICE_URI": f"redis://127.0.0.1:{port}"}
        assert ordercache("-q", "count", env=nowhere).stderr == ""
        assert ordercache("count", "--quiet", env={"CACHE_TIMEOUT_SECONDS": "x"}).stderr == ""
        assert ordercache("-q", *an_order(), "--no-cache", env=nowhere).stderr == ""
        assert ordercache("-q", "ttl", env=nowhere).stderr.startswith("ordercache: error: ")


@pytest.mark.parametrize("command", [("count",), ("invalidate",), ("--version",), ("--help",), ("count", "--json")], ids=" ".join)
def test_an_answer_that_cannot_be_written_is_an_error(ordercache, command):
    with open("/dev/full", "w", encoding="ascii") as full:
        process = ordercache.start(*command, stdout=full)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == 1
    assert stderr.startswith("ordercache: error: ")
    assert "No space left on device" in stderr


def test_an_added_order_whose_id_cannot_be_written_is_a_case_to_look_at(ordercache, database):
    with open("/dev/full", "w", encoding="ascii") as full:
        process = ordercache.start(*an_order(), stdout=full)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == 5
    assert str(NEXT_ORDER) in stderr
    assert stderr.startswith("ordercache: error: ") and stderr.count("\n") == 1
    assert len(added(database)) == 1


def broken_pipe():
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def run_into_a_broken_pipe(ordercache, *command, **options):
    writer = broken_pipe()
    process = ordercache.start(*command, stdout=writer, **options)
    os.close(writer)
    _, stderr = process.communicate(timeout=20)
    return process.returncode, stderr


@pytest.mark.parametrize("command", [("count",), ("invalidate",), ("--help",)], ids=" ".join)
def test_a_closed_pipe_ends_the_program_quietly_as_sigpipe_does(ordercache, command):
    assert run_into_a_broken_pipe(ordercache, *command) == (-signal.SIGPIPE, "")


def test_a_closed_pipe_is_an_error_where_sigpipe_is_ignored(ordercache):
    status, stderr = run_into_a_broken_pipe(ordercache, "count", restore_signals=False)
    assert status == 1
    assert stderr.startswith("ordercache: error: ")


def test_an_added_order_is_told_of_even_behind_a_closed_pipe(ordercache, database):
    status, stderr = run_into_a_broken_pipe(ordercache, *an_order())
    assert status == 5
    assert str(NEXT_ORDER) in stderr
    assert len(added(database)) == 1


def test_a_stdout_that_is_closed_gets_no_connection_in_its_place(ordercache, cache):
    ordercache("count")
    process = ordercache.start("count", stdout=None, preexec_fn=lambda: os.close(1))
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 1
    assert stderr.startswith("ordercache: error: ")
    assert cache.get("num_orders:all") == "12000"


def test_a_closed_stderr_does_not_change_the_answer(ordercache):
    process = ordercache.start("count", "-v", stderr=None, preexec_fn=lambda: os.close(2))
    assert process.communicate(timeout=20)[0] == "12000\n"
    assert process.returncode == 0


def test_slow_work_draws_nothing_where_stderr_is_no_terminal(ordercache, database):
    with database.orders_locked():
        process = ordercache.start("count")
        database.wait_for_activity("orders")
        time.sleep(1.5)
    assert process.communicate(timeout=20) == ("12000\n", "")


def test_quick_work_draws_nothing_on_a_terminal(ordercache):
    controller, terminal = pty.openpty()
    process = ordercache.start("count", stderr=terminal)
    os.close(terminal)
    assert process.communicate(timeout=20)[0] == "12000\n"
    with pytest.raises(OSError):  # the end of a terminal that nothing was written to
        assert os.read(controller, 100) == b""
    os.close(controller)


def test_an_error_is_one_line_whatever_was_typed(ordercache):
    run = ordercache("co\nunt")
    assert run.status == 2
    assert run.stderr.startswith("ordercache: error: ") and run.stderr.count("\n") == 1


def with_no_room_for_a_file():
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


@pytest.mark.parametrize("command, status", [(("count",), 1), (tuple(an_order()), 5)], ids=["count", "add"])
def test_an_answer_past_the_limit_of_a_files_size_is_a_write_that_fails(ordercache, database, tmp_path, command, status):
    with open(tmp_path / "answer", "w") as answer:
        process = ordercache.start(*command, stdout=answer, preexec_fn=with_no_room_for_a_file)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == status
    assert "cannot write to stdout: File too large" in stderr
    assert [str(NEXT_ORDER) in stderr, len(added(database)) == 1] == [status == 5] * 2


def with_processes(number):
    """Root has no limit of processes: this is another user, who has none but these."""
    def limit():
        os.setresuid(54321, 54321, 54321)
        resource.setrlimit(resource.RLIMIT_NPROC, (number, number))
    return limit


@pytest.mark.parametrize("command", [("count",), tuple(an_order())], ids=" ".join)
def test_a_thread_that_cannot_be_started_is_told_of(ordercache, database, cache, command):
    process = ordercache.start(*command, preexec_fn=with_processes(1))
    stdout, stderr = process.communicate(timeout=20)
    assert (process.returncode, stdout) == (3, "")
    assert "cannot start a thread: " in stderr and stderr.count("\n") == 1
    assert added(database) == []
    assert cache.keys() == []


def test_a_count_is_cancelled_where_no_second_thread_can_be_started(ordercache, database, cache):
    with database.orders_locked():
        process = ordercache.start("count", "--timeout", "1", preexec_fn=with_processes(2))
        assert process.wait(timeout=20) == 3
        database.wait_for_no_activity("orders")
    assert cache.keys() == []
