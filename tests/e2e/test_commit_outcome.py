"""The outcome of a COMMIT whose connection broke: learnt wherever it can be, and told truly where it cannot."""

import re
import signal
import threading
import time

import pytest

from orders import NEXT_ORDER, added, an_order
from peers import Proxy, after_the_server_committed, before_the_server_heard


def and_nobody_answers_again(act):
    def act_and_refuse(proxy, *conversation):
        proxy.refusing = True
        act(proxy, *conversation)
    return act_and_refuse


@pytest.fixture
def add_through(ordercache, postgres):
    """Runs an add whose COMMIT meets with `act`."""
    def run(act, *arguments):
        with Proxy(postgres.service_port, trigger=b"COMMIT\0", act=act) as proxy:
            finished = ordercache(*an_order(), *arguments, env={"PG_SERVICE_URI": postgres.uri(port=proxy.port)})
            assert proxy.triggered
            return finished
    return run


def test_a_commit_that_the_server_never_heard_is_known_to_have_failed(ordercache, add_through, database):
    run = add_through(before_the_server_heard)
    assert (run.status, run.stdout) == (3, "")
    assert run.stderr.startswith("ordercache: error: ") and run.stderr.count("\n") == 1
    assert added(database) == []
    assert ordercache("count").stdout == "12000\n"


def test_a_commit_whose_answer_was_lost_is_known_to_have_succeeded(ordercache, add_through, database):
    run = add_through(after_the_server_committed)
    assert (run.status, run.stdout) == (0, f"{NEXT_ORDER}\n")
    assert len(added(database)) == 1
    assert ordercache("count").stdout == "12001\n"


@pytest.mark.parametrize("act, orders", [(before_the_server_heard, 0), (after_the_server_committed, 1)])
def test_an_outcome_that_cannot_be_learnt_comes_with_the_transaction_id(add_through, database, act, orders):
    run = add_through(and_nobody_answers_again(act), "--timeout", "3")
    assert (run.status, run.stdout) == (5, "")
    assert run.stderr.startswith("ordercache: error: ") and run.stderr.count("\n") == 1
    assert "SELECT orderid" in run.stderr
    assert len(added(database)) == orders
    if orders:
        xid = database.value("SELECT xmin FROM orders WHERE orderid = %s", NEXT_ORDER)
        assert xid in re.findall(r"\d+", run.stderr)


def test_a_transaction_that_is_in_progress_is_asked_for_again_until_it_is_known(add_through, database, postgres):
    def let_go_later(proxy, client, server, message):
        after_the_server_committed(proxy, client, server, message)
        time.sleep(1)
        database.execute(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = %s AND wait_event = 'SyncRep'",
            database.name,
        )

    with postgres.setting("synchronous_standby_names", "nobody"):
        run = add_through(let_go_later)
    assert (run.status, run.stdout) == (0, f"{NEXT_ORDER}\n")
    assert len(added(database)) == 1


def test_a_transaction_that_stays_in_progress_is_a_case_to_look_at(add_through, postgres):
    with postgres.setting("synchronous_standby_names", "nobody"):
        run = add_through(after_the_server_committed, "--timeout", "2")
    assert (run.status, run.stdout) == (5, "")
    assert "SELECT orderid" in run.stderr
    assert run.seconds < 10


def test_a_timeout_during_the_commit_is_a_case_to_look_at_and_never_a_failure(ordercache, postgres, database):
    with postgres.setting("synchronous_standby_names", "nobody"):
        run = ordercache(*an_order(), "--timeout", "2")
        assert (run.status, run.stdout) == (5, "")
        assert "SELECT orderid" in run.stderr
        assert run.seconds < 10
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND wait_event = 'SyncRep'",
            database.name,
        )


def test_without_a_timeout_a_signal_ends_the_wait_for_an_outcome_before_long(ordercache, postgres, database):
    with postgres.setting("synchronous_standby_names", "nobody"):
        process = ordercache.start(*an_order(), "--timeout", "0")
        database.wait_for_commit()
        process.send_signal(signal.SIGTERM)
        stdout, stderr = process.communicate(timeout=20)
    assert (process.returncode, stdout) == (-signal.SIGTERM, "")
    assert "SELECT orderid" in stderr


def test_a_server_that_crashes_before_the_commit_leaves_nothing_and_says_so(add_through, database, postgres):
    restarted = threading.Event()

    def crash(*_):
        postgres.crash_and_restart()
        restarted.set()

    run = add_through(crash)
    assert restarted.wait(timeout=20)
    assert (run.status, run.stdout) == (3, "")
    assert added(database) == []


def test_an_add_waits_for_its_commit_where_the_server_would_not(ordercache, database, postgres):
    database.execute(f"ALTER DATABASE {database.name} SET synchronous_commit = off")
    with postgres.setting("synchronous_standby_names", "nobody"):
        process = ordercache.start(*an_order())
        database.wait_for_commit()
    assert process.communicate(timeout=20)[0] == f"{NEXT_ORDER}\n"


def test_a_commit_that_is_answered_by_rollback_is_a_3_and_brings_the_total_back(ordercache, add_through, database, cache):
    def roll_back(_proxy, _client, server, message):
        server.sendall(message.replace(b"\x0bCOMMIT\0", b"\x0dROLLBACK\0"))

    cache.set("num_orders:all", 12000)
    run = add_through(roll_back)
    assert (run.status, run.stdout) == (3, "")
    assert "ROLLBACK" in run.stderr and run.stderr.count("\n") == 1
    assert added(database) == []
    assert cache.get("num_orders:all") == "12000"


@pytest.mark.parametrize("chosen, held", [(None, "5min"), ("10s", "10s")])
def test_a_writer_that_is_idle_or_whose_host_is_gone_gives_up_its_lock(ordercache, database, chosen, held):
    if chosen:
        database.execute(f"ALTER DATABASE {database.name} SET idle_in_transaction_session_timeout = '{chosen}'")
    database.execute(
        "CREATE TABLE limits (idle text, keepalive integer);"
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO limits VALUES"
        " (current_setting(''idle_in_transaction_session_timeout''), current_setting(''tcp_keepalives_idle'')::integer);"
        " RETURN NULL; END';"
        "CREATE CONSTRAINT TRIGGER note AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION note()"
    )
    assert ordercache(*an_order()).status == 0
    assert database.rows("SELECT * FROM limits") == [(held, 60)]
