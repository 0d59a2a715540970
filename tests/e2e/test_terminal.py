"""At a terminal: colours only there, a progress bar that leaves no trace, and what Ctrl-C and Ctrl-Z do."""

import contextlib
import os
import shlex
import time

import pytest

from keys import LEDGER, TOTAL, total_claimed
from program import PROGRAM
from orders import added, an_order
from servers import wait_until
from terminals import Terminal
from test_ledger_scripts import Ledger

DIM = "\x1b[2m"
ADD = shlex.join(["ordercache", *an_order()])


@pytest.fixture
def terminal(ordercache, folder):
    path = f"{PROGRAM.parent}:{os.environ['PATH']}"
    terminal = Terminal(folder, {**ordercache.environment, "PATH": path})
    yield terminal
    terminal.end()


@pytest.fixture
def orders_csv(tmp_path):
    """A file of 12,000 orders."""
    path = tmp_path / "orders.csv"
    path.write_text("date,customer,net,tax\n" + "2023-03-10,9999,23.00,1.80\n" * 12_000)
    return path


def slowly(path):
    """A shell's command that gives the file in two halves, with time to look at the bar in between."""
    return f"(head -n 6001 {path}; sleep 1.5; tail -n +6002 {path}; sleep 2)"


def test_verbose_is_dim_at_a_terminal(terminal):
    terminal.type("ordercache count -v")
    terminal.wait_for("12000")
    assert f"{DIM}Checking cache key num_orders:all" in terminal.screen("-e")


@pytest.mark.parametrize("setting", ["NO_COLOR=1", "TERM=dumb", "TERM="])
def test_verbose_has_no_colour_where_none_is_wanted(terminal, setting):
    terminal.type(f"{setting} ordercache count -v")
    terminal.wait_for("12000")
    terminal.wait_for("Checking cache key num_orders:all")
    assert DIM not in terminal.screen("-e")


def test_an_empty_no_color_asks_for_nothing(terminal):
    terminal.type("NO_COLOR= ordercache count -v")
    terminal.wait_for("12000")
    assert DIM in terminal.screen("-e")


def test_a_slow_batch_shows_how_far_it_has_come_and_leaves_a_clean_line(terminal, orders_csv):
    terminal.type(f"clear; {slowly(orders_csv)} | ordercache add --from -")
    terminal.wait_for("10000 orders")
    terminal.wait_for("$")
    assert terminal.screen().splitlines() == ["12000", "$"]


def test_the_bar_keeps_within_a_terminal_that_was_made_narrow(terminal, orders_csv):
    terminal.type(f"clear; {slowly(orders_csv)} | ordercache add --from -")
    terminal.resize(9)
    terminal.wait_for("10000 or")
    terminal.wait_for("$")
    assert terminal.screen().splitlines() == ["12000", "$"]


def test_a_dumb_terminal_gets_no_bar(terminal, orders_csv):
    terminal.type(f"clear; {slowly(orders_csv)} | TERM=dumb ordercache add --from -")
    time.sleep(2.5)
    assert terminal.screen() == ""
    terminal.wait_for("12000")


def seconds_of_count(database):
    """For how long PostgreSQL has been counting."""
    return database.postgres.execute(
        "postgres", "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - query_start)), 0) FROM pg_stat_activity"
        " WHERE datname = %s AND query LIKE '%%count(%%'", database.name,
    )[0][0]


def long_counted(database):
    wait_until(lambda: seconds_of_count(database) > 2, what="a long count")


@pytest.mark.parametrize("arguments", ["", "--refresh", "--no-cache", "--customer=9999 --customer=1"])
def test_a_long_count_says_what_it_waits_for_and_takes_it_back(terminal, database, arguments):
    with database.orders_locked():
        terminal.type(f"clear; ordercache count {arguments}")
        terminal.wait_for("Waiting for PostgreSQL to count the orders")
    terminal.wait_for("$")
    assert terminal.screen().splitlines() == (["9999    1", "1       0", "$"] if "9999" in arguments else ["12000", "$"])


def test_a_count_that_waits_for_another_process_says_so(terminal, cache):
    with total_claimed(cache):
        terminal.type("clear; ordercache count")
        terminal.wait_for("Waiting for another process to count the orders")
    terminal.wait_for("$")
    assert terminal.screen().splitlines() == ["12000", "$"]


def test_a_count_that_waits_for_orders_being_added_says_so(terminal, database, cache):
    ledger = Ledger(cache)
    cache.set(TOTAL, 12000, ex=100)
    with contextlib.closing(database.connect()) as writer, writer.cursor() as cursor:
        writer.autocommit = False
        cursor.execute("SELECT pg_current_xact_id()::text")
        [transaction] = cursor.fetchone()
        ledger.register(transaction, 1)
        terminal.type("clear; ordercache count")
        wait_until(lambda: ledger.register(transaction, 1) or "Waiting for orders that are being added" in terminal.screen())
        ledger.confirm(transaction, "aborted")
    terminal.wait_for("$")
    assert terminal.screen().splitlines() == ["12000", "$"]


def test_a_wait_that_ctrl_c_ends_leaves_a_clean_line(terminal, database):
    with database.orders_locked():
        terminal.type("clear; ordercache count")
        terminal.wait_for("Waiting for PostgreSQL to count the orders")
        terminal.press("C-c")
        terminal.wait_for("$")
    assert terminal.screen().splitlines()[-1] == "$"
    assert "Waiting" not in terminal.screen()


@pytest.mark.parametrize("command", ["ordercache count -q", "TERM=dumb ordercache count", "ordercache count 2>&1 | cat"])
def test_nobody_who_does_not_look_is_told_of_a_wait(terminal, database, command):
    with database.orders_locked():
        terminal.type(f"clear; {command}")
        long_counted(database)
        assert terminal.screen() == ""
    terminal.wait_for("12000")


def test_who_is_to_type_customers_is_told_how_to_end(terminal):
    terminal.type("clear; ordercache count --customers-from -")
    terminal.wait_for("Reading customers, one per line, until Ctrl-D")
    terminal.type("9999")
    terminal.wait_for("9999    1")
    terminal.press("C-d")
    assert terminal.status() == 0


@pytest.mark.parametrize("command", ["ordercache count -q --customers-from -", "ordercache count --customers-from - 2>&1 | cat"])
def test_who_types_customers_is_told_nothing_unasked(terminal, command):
    terminal.type(f"clear; echo ready; {command}")
    terminal.wait_for("ready")
    terminal.type("9999")
    terminal.wait_for("9999    1")
    terminal.press("C-d")
    assert "Reading" not in terminal.screen()


def test_ctrl_c_ends_a_count_and_the_loop_that_it_stands_in(terminal, database, cache):
    with database.orders_locked():
        terminal.type("while true; do ordercache count; done")
        database.wait_for_activity("orders")
        assert cache.exists(LEDGER)
        terminal.press("C-c")
        database.wait_for_no_activity("orders")
        assert terminal.status() == 130
        assert cache.keys() == []


def test_ctrl_c_before_the_commit_ends_an_add_that_writes_nothing(terminal, database):
    with database.orders_locked():
        terminal.type(ADD)
        database.wait_for_activity("orders")
        terminal.press("C-c")
        database.wait_for_no_activity("orders")
        assert terminal.status() == 130
    assert added(database) == []


def test_ctrl_c_in_the_middle_of_a_batch_ends_it_and_nothing_is_written(terminal, database, cache, orders_csv):
    with database.orders_locked():
        terminal.type(f"ordercache add --from {orders_csv}")
        database.wait_for_activity("INSERT")
        terminal.press("C-c")
        database.wait_for_no_activity("INSERT")
        assert terminal.status() == 130
    assert added(database) == []
    assert cache.keys() == []


@pytest.mark.parametrize("batch", [False, True], ids=["order", "batch"])
def test_ctrl_c_waits_from_commit_until_its_outcome_is_known(terminal, database, postgres, orders_csv, batch):
    with postgres.setting("synchronous_standby_names", "nobody"):
        terminal.type(f"ordercache add --from {orders_csv}" if batch else ADD)
        database.wait_for_commit()
        terminal.press("C-c")
        time.sleep(1)
        assert database.activity("commit")
    assert terminal.status() == 130
    assert len(added(database)) == (12_000 if batch else 1)


def test_a_count_that_was_stopped_goes_on(terminal, database, cache):
    with database.orders_locked():
        terminal.type("ordercache count")
        database.wait_for_activity("orders")
        terminal.press("C-z")
        terminal.wait_for_part("Stopped")
        time.sleep(2.5)  # Longer than a lease lives that nobody renews.
        assert cache.keys() == []
        terminal.type("fg")
        terminal.wait_for("ordercache count")
    terminal.wait_for("12000")
    assert terminal.status() == 0
    assert cache.keys() == []


def test_an_add_that_was_stopped_goes_on(terminal, database):
    with database.orders_locked():
        terminal.type(ADD)
        database.wait_for_activity("orders")
        terminal.press("C-z")
        terminal.wait_for_part("Stopped")
        terminal.type("fg")
    terminal.wait_for("12001")
    assert terminal.status() == 0
    assert len(added(database)) == 1
