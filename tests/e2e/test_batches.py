"""Batches: many customers counted, and a file of orders added, all or none."""

import fcntl
import os
import pty
import random
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

from documents import examples
from keys import values
from orders import LAST_ORDER, added
from peers import Proxy, after_the_server_committed, before_the_server_heard, refusing_port
from program import PROGRAM
from servers import wait_until

HEADER = "date,customer,net,tax\n"
ORDERS = HEADER + "2023-03-10,9999,23.00,1.80\n2023-03-11,5,-1.5,0\n"
ADDED = [("2023-03-10", 9999, "23.00", "1.80", "24.80"), ("2023-03-11", 5, "-1.50", "0.00", "-1.50")]


def many(rows, customers=20000):
    return HEADER + "".join(f"2023-03-10,{1 + i % customers},{i % 1000}.25,0.75\n" for i in range(rows))


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "input"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)
    return write


def true_counts(database):
    return dict(database.rows("SELECT customerid, count(*) FROM orders GROUP BY customerid"))


def lines(customers, counts):
    return "".join(f"{customer}\t{counts.get(customer, 0)}\n" for customer in customers)


# count


def test_several_customers_are_counted_in_the_order_asked(ordercache, database):
    run = ordercache("count", "--customer", "9999", "--customer", "20001", "--customer", "5", "--customer", "9999")
    assert (run.status, run.stderr) == (0, "")
    assert run.stdout == lines([9999, 20001, 5, 9999], true_counts(database))


def test_json_gives_a_line_for_each_customer(ordercache):
    run = ordercache("count", "--customer", "9999", "--customer", "20001", "--json")
    assert run.stdout == '{"customer":9999,"count":1}\n{"customer":20001,"count":0}\n'


@pytest.mark.parametrize("text, customers", [
    ("9999\n", [9999]), ("9999\r\n5\r\n", [9999, 5]), ("\n9999\n\n\n5", [9999, 5]), ("5\n5\n", [5, 5]), ("", []),
], ids=["one", "CRLF", "empty lines", "twice", "none"])
@pytest.mark.parametrize("source", ["a file", "stdin"])
def test_customers_come_from(ordercache, database, write, source, text, customers):
    run = (ordercache("count", "--customers-from", write(text)) if source == "a file"
           else ordercache("count", "--customers-from", "-", stdin=text))
    assert (run.status, run.stdout, run.stderr) == (0, lines(customers, true_counts(database)), "")


@pytest.mark.parametrize("options", [(), ("--refresh",), ("--no-cache",)], ids=" ".join)
def test_a_long_list_is_counted_right_cold_and_warm(ordercache, database, write, options):
    customers = [1 + (i * 7919) % 20000 for i in range(30000)]
    expected = lines(customers, true_counts(database))
    path = write("".join(f"{customer}\n" for customer in customers))
    for _ in range(2):
        run = ordercache("count", "--customers-from", path, *options)
        assert (run.status, run.stderr) == (0, "")
        assert run.stdout == expected


def test_a_cached_list_needs_no_postgresql(ordercache, write):
    path = write("".join(f"{customer}\n" for customer in range(1, 3001)))
    cold = ordercache("count", "--customers-from", path)
    warm = ordercache("count", "--customers-from", path, env={"PG_SERVICE_URI": None})
    assert (warm.status, warm.stdout) == (0, cold.stdout)


def test_a_piece_is_one_query(ordercache, database, postgres, write):
    path = write("".join(f"{customer}\n" for customer in range(1, 6001)))
    with postgres.log_of(database.name) as log:
        ordercache("count", "--customers-from", path)
    assert sum("customerid = ANY" in line and "execute" in line for line in log) == 3


def test_the_lines_before_a_bad_one_stand(ordercache, database, write):
    run = ordercache("count", "--customers-from", write("9999\n5\n0x10\n7\n"))
    assert (run.status, run.stdout) == (2, lines([9999, 5], true_counts(database)))
    assert run.stderr.startswith("ordercache: error: ") and run.stderr.count("\n") == 1
    assert "line 3" in run.stderr and "whole number" in run.stderr


def test_with_redis_down_a_list_is_counted_with_one_warning(ordercache, database, write):
    path = write("".join(f"{customer}\n" for customer in range(1, 3001)))
    with refusing_port() as port:
        run = ordercache("count", "--customers-from", path, env={"REDIS_SERVICE_URI": f"redis://127.0.0.1:{port}"})
    assert (run.status, run.stdout) == (0, lines(range(1, 3001), true_counts(database)))
    assert run.stderr.startswith("ordercache: warning: ") and run.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["count --customers-from", "add --from"])
def test_a_file_that_cannot_be_read_is_wrong_usage(ordercache, tmp_path, command):
    for path, reason in [(tmp_path / "missing", "No such file"), (tmp_path, "Is a directory")]:
        run = ordercache(*command.split(), str(path))
        assert (run.status, run.stdout) == (2, "")
        assert run.stderr.startswith("ordercache: error: ") and run.stderr.count("\n") == 1
        assert reason in run.stderr


def test_a_signal_ends_a_count_whose_reader_has_stalled(ordercache, write):
    process = ordercache.start("count", "--customers-from", write("".join(f"{n}\n" for n in range(1, 20001))))
    time.sleep(2)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == -signal.SIGINT


# count: a pipe that pauses


@pytest.fixture
def ask(ordercache):
    """Writes to a count that runs on from the first question, and gives the lines that answer."""
    def ask(text, answers):
        ask.process = ask.process or ordercache.start("count", "--customers-from", "-", stdin=subprocess.PIPE)
        process = ask.process
        process.stdin.write(text)
        process.stdin.flush()
        said = b""
        while said.count(b"\n") < answers and select.select([process.stdout], [], [], 30)[0]:
            said += os.read(process.stdout.fileno(), 100)
        return said.decode().splitlines()
    ask.process = None
    return ask


def test_each_line_gets_its_answer_before_the_next_is_written(ask, ordercache):
    for _ in range(2):
        assert ask("9999\n", 1) == ["9999\t1"]
        assert ask("20001\n9999\n", 2) == ["20001\t0", "9999\t1"]
    ordercache("add", "--date", "2023-03-10", "--customer", "9999", "--net", "1", "--tax", "0")
    assert ask("9999\n", 1) == ["9999\t2"]
    assert ask.process.communicate(timeout=20) == ("", "")
    assert ask.process.returncode == 0


def test_a_count_that_is_kept_running_outlives_redis(ask, ordercache, lone_redis):
    ordercache.environment["REDIS_SERVICE_URI"] = lone_redis.service_uri()
    assert ask("9999\n", 1) == ["9999\t1"]
    lone_redis.stop()
    assert ask("9999\n", 1) == ["9999\t1"]
    lone_redis.start()
    lone_redis.client().set("num_orders:9999", 7)
    wait_until(lambda: ask("9999\n", 1) == ["9999\t7"], what="a hit")
    assert ask.process.communicate(timeout=20)[1].count("warning") == 1


def test_a_count_that_is_kept_running_goes_on_where_redis_closed_the_idle_connection(ask, ordercache, lone_redis):
    ordercache.environment["REDIS_SERVICE_URI"] = lone_redis.service_uri()
    admin = lone_redis.client()
    admin.config_set("timeout", 1)
    assert ask("9999\n", 1) == ["9999\t1"]
    wait_until(lambda: len(lone_redis.client().client_list()) == 1, what="the end of the idle connection")
    lone_redis.client().set("num_orders:9999", 7)
    assert ask("9999\n", 1) == ["9999\t7"]
    assert ask.process.communicate(timeout=20) == ("", "")


@pytest.mark.parametrize("rest", ["\n", "\n\r\n", "200", "\n20001"])
def test_an_answer_does_not_wait_for_what_is_no_whole_line(ask, rest):
    assert ask("9999\n" + rest, 1) == ["9999\t1"]


def test_a_bad_line_ends_a_count_that_was_answering(ask):
    assert ask("9999\n", 1) == ["9999\t1"]
    assert ask("9999\n0x10\n5\n", 1) == ["9999\t1"]
    assert ask.process.wait(timeout=20) == 2
    assert "line 3" in ask.process.stderr.read()


def test_a_fifo_is_read_by_a_count_that_was_there_first(ordercache, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    process = ordercache.start("count", "--customers-from", str(fifo))
    time.sleep(0.3)
    fifo.write_text("9999\n")
    assert process.communicate(timeout=20) == ("9999\t1\n", "")


def test_the_manuals_coprocess_answers(ordercache):
    path = f"{PROGRAM.parent}:{os.environ['PATH']}"
    run = subprocess.run(
        ["bash", "-euc", examples("A count that is kept running")[0]], env={**ordercache.environment, "PATH": path},
        capture_output=True, text=True, timeout=10, check=True,
    )
    assert run.stdout == "customer 9999: 1 orders\ncustomer 20001: 0 orders\n"


# add: what is written


@pytest.mark.parametrize("text", [
    ORDERS,
    ORDERS.replace("\n", "\r\n"),
    "\ufeff" + ORDERS,
    ORDERS.replace("\n", "\n\n") + "\n\n",
    '"date","customer","net","tax"\n"2023-03-10","9999","23.00","1.80"\n2023-03-11,"5",-1.5,"0"\n',
    "tax,net,customer,date\n1.80,23.00,9999,2023-03-10\n0,-1.5,5,2023-03-11\n",
], ids=["LF", "CRLF", "byte-order mark", "empty lines", "quotes", "other order"])
@pytest.mark.parametrize("source", ["a file", "stdin"])
def test_the_rows_are_exact(ordercache, database, write, source, text):
    run = (ordercache("add", "--from", write(text)) if source == "a file"
           else ordercache("add", "--from", "-", stdin=text))
    assert (run.status, run.stdout, run.stderr) == (0, "2\n", "")
    assert added(database) == ADDED


def test_json_tells_the_number_of_orders(ordercache, write):
    assert ordercache("add", "--from", write(ORDERS), "--json").stdout == '{"updated":{"orders":2}}\n'


def test_a_header_alone_adds_nothing(ordercache, database, write):
    run = ordercache("add", "--from", write(HEADER))
    assert (run.status, run.stdout, run.stderr) == (0, "0\n", "")
    assert added(database) == []


def test_the_counts_that_change_are_gone_and_no_others(ordercache, cache, write):
    cache.mset({"num_orders:all": 12000, "num_orders:9999": 1, "num_orders:5": 1, "num_orders:1": 7})
    cache.set("{num_orders:5}:lease", "a reader's")
    run = ordercache("add", "--from", write(ORDERS))
    assert sorted(cache.keys()) == ["num_orders:1", "num_orders:all"]
    assert cache.get("num_orders:all") == str(12000 + int(run.stdout))


def test_where_a_trigger_may_change_customers_every_count_is_gone(ordercache, database, cache, write):
    database.execute(
        "CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN NEW.customerid := 5; RETURN NEW; END';"
        "CREATE TRIGGER move BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION move()"
    )
    cache.mset({"num_orders:all": 12000, "num_orders:5": 1, "num_orders:1": 7})
    assert ordercache("add", "--from", write(ORDERS)).status == 0
    assert cache.keys() == []


def test_counts_are_right_after_a_large_batch(ordercache, database, write):
    ids = write("".join(f"{customer}\n" for customer in range(1, 20001)))
    ordercache("count", "--customers-from", ids)
    ordercache("count")
    run = ordercache("add", "--from", "-", stdin=many(50000))
    assert (run.status, run.stdout, run.stderr) == (0, "50000\n", "")
    assert ordercache("count").stdout == "62000\n"
    assert ordercache("count", "--customers-from", ids).stdout == lines(range(1, 20001), true_counts(database))


def test_the_steps_are_told(ordercache, write):
    run = ordercache("-v", "add", "--from", write(ORDERS))
    assert "Clearing caches for 3 keys" in run.stderr.splitlines()


# add: what is refused


@pytest.mark.parametrize("row, reason", [
    ("2023-02-30,1,1,1", "date"), ("2023-03-10,0x10,1,1", "customer"), ("2023-03-10,1,nan,1", "net"),
    ("2023-03-10,1,1,1e3", "tax"), ("2023-03-10,1,9999999999.99,1", "net and tax"), ("2023-03-10,1,1", "found 3"),
    ("2023-03-10,1,1,1,1", "found 5"), ('2023-03-10,1,"1,1', "quote"), ('2023-03-10,1,1"1",1', "quote"),
    ('2023-03-10,1,"1"1,1', "quote"), (" 2023-03-10,1,1,1", "date"), ("2023-03-10,1,,1", "net"),
])
def test_a_bad_line_is_named_and_nothing_contacted(program, write, row, reason):
    run = program("add", "--from", write(ORDERS + row + "\n"))
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith("ordercache: error: ") and run.stderr.count("\n") == 1
    assert "line 4" in run.stderr and reason in run.stderr


@pytest.mark.parametrize("text, reason", [
    (ORDERS.rstrip("\n"), "was the file cut off?"), (ORDERS.replace("\n", "\r"), "carriage return"),
    (ORDERS + "\ufeff" + ORDERS, "byte-order mark"), (ORDERS.replace("\n", "\0\n"), "UTF-16"),
], ids=["cut off", "CR", "two files", "UTF-16"])
def test_a_file_that_is_not_text_in_lines_is_refused(program, write, text, reason):
    run = program("add", "--from", write(text))
    assert (run.status, run.stdout, run.stderr.count("\n")) == (2, "", 1)
    assert reason in run.stderr


@pytest.mark.parametrize("header, reason", [
    ("", "first line"), ("date,customer,net", "tax"), ("date,customer,net,tax,total", "total"),
    ("date,customer,net,tax,net", "net"), ("2023-03-10,1,1,1", "2023-03-10"), ("Date,customer,net,tax", "Date"),
])
def test_a_header_that_does_not_name_the_columns_is_refused(program, write, header, reason):
    run = program("add", "--from", write(f"{header}\n2023-03-10,1,1,1\n" if header else ""))
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith("ordercache: error: ") and run.stderr.count("\n") == 1
    assert "line 1" in run.stderr and reason in run.stderr


def test_ten_bad_lines_are_listed_and_no_more(program, write):
    run = program("add", "--from", write(HEADER + "2023-03-10,1,1,1\n2023-03-10,x,1,1\n" * 12))
    errors = run.stderr.splitlines()
    assert run.status == 2
    assert len(errors) == 10
    for i, error in enumerate(errors):
        assert error.startswith("ordercache: error: ") and f"line {3 + 2 * i}:" in error


def test_a_quote_swallows_no_bad_line_behind_it(program, write):
    run = program("add", "--from", write(HEADER + '2023-03-10,1,1""2,1\n2023-03-10,x,1,1\n2023-03-10,1,"1,1\n2023-03-10,y,1,1\n'))
    assert (run.status, run.stdout) == (2, "")
    assert ["line " + line in run.stderr for line in "12345"] == [False, True, True, True, True]


def test_a_bad_line_late_in_a_large_file_leaves_nothing(ordercache, database, cache, write):
    cache.set("num_orders:all", 12000)
    run = ordercache("add", "--from", write(many(50000) + "2023-03-10,1,1,x\n"))
    assert (run.status, run.stdout) == (2, "")
    assert "line 50002" in run.stderr
    assert added(database) == []
    assert cache.get("num_orders:all") == "12000"


def test_a_customer_that_does_not_exist_is_named(ordercache, database, cache, write):
    cache.set("num_orders:all", 12000)
    run = ordercache("add", "--from", write(ORDERS + "2023-03-10,20001,1,1\n"))
    assert (run.status, run.stdout) == (1, "")
    assert "customer 20001 does not exist" in run.stderr and run.stderr.count("\n") == 1
    assert added(database) == []
    assert cache.get("num_orders:all") == "12000"


def test_a_row_that_postgresql_rejects_early_is_told_as_such(ordercache, database, write):
    database.execute("ALTER TABLE orders ADD CONSTRAINT cheap CHECK (netamount < 900) NOT VALID")
    run = ordercache("add", "--from", write(many(50000)))
    assert (run.status, run.stdout) == (1, "")
    assert "cheap" in run.stderr and run.stderr.count("\n") == 1
    assert added(database) == []


def test_with_redis_down_nothing_is_written(ordercache, database, write):
    with refusing_port() as port:
        uri = {"REDIS_SERVICE_URI": f"redis://127.0.0.1:{port}"}
        run = ordercache("add", "--from", write(ORDERS), env=uri)
        assert (run.status, run.stdout) == (4, "")
        assert added(database) == []
        run = ordercache("add", "--from", write(ORDERS), "--no-cache", env=uri)
        assert (run.status, run.stdout) == (0, "2\n")
        assert "lag" in run.stderr
    assert added(database) == ADDED


def test_dry_run_changes_nothing(ordercache, database, cache, write):
    cache.set("num_orders:all", 12000)
    run = ordercache("add", "--from", write(ORDERS), "--dry-run")
    assert (run.status, run.stdout, run.stderr) == (0, "2\n", "")
    assert added(database) == []
    assert cache.get("num_orders:all") == "12000"


@pytest.mark.parametrize("mode", [(), ("--dry-run",)], ids=" ".join)
def test_what_postgresql_would_find_at_the_commit_is_found_before(ordercache, database, write, mode):
    database.execute("ALTER TABLE orders ALTER CONSTRAINT fk_customerid DEFERRABLE INITIALLY DEFERRED")
    run = ordercache("add", "--from", write(ORDERS + "2023-03-10,20001,1,1\n"), *mode)
    assert (run.status, run.stdout) == (1, "")
    assert "customer 20001 does not exist" in run.stderr
    assert added(database) == []


# add: whatever comes between


def test_nothing_is_stored_while_a_batch_commits(ordercache, cache, database, postgres, write):
    cache.set("num_orders:all", 12000)
    with postgres.setting("synchronous_standby_names", "nobody"):
        writer = ordercache.start("add", "--from", write(ORDERS))
        database.wait_for_commit()
        assert values(cache) == []
        for scope in ((), ("--customer", "9999"), ("--customer", "1")):
            assert ordercache("count", *scope).status == 0
        assert values(cache) == []
    assert writer.communicate(timeout=20)[0] == "2\n"
    assert ordercache("count").stdout == "12002\n"


@pytest.mark.parametrize("act, status, orders", [(before_the_server_heard, 3, 0), (after_the_server_committed, 0, 2)])
def test_the_outcome_of_a_commit_without_an_answer_is_learnt(ordercache, database, postgres, write, act, status, orders):
    with Proxy(postgres.service_port, trigger=b"COMMIT\0", act=act) as proxy:
        run = ordercache("add", "--from", write(ORDERS), env={"PG_SERVICE_URI": postgres.uri(port=proxy.port)})
        assert proxy.triggered
    assert run.status == status
    assert len(added(database)) == orders


def test_committed_orders_that_cannot_be_told_are_a_case_to_look_at(ordercache, database, write):
    with open("/dev/full", "w", encoding="ascii") as full:
        process = ordercache.start("add", "--from", write(ORDERS), stdout=full)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == 5
    assert "2 orders are committed" in stderr
    assert added(database) == ADDED


@pytest.fixture
def inserting(ordercache, database):
    """An add that has inserted some of its file, and reads a pipe which stays open."""
    process = ordercache.start("add", "--from", "-", stdin=subprocess.PIPE)
    process.stdin.write(many(20000))
    process.stdin.flush()
    wait_until(lambda: database.idle_in_transaction(), what="a transaction that waits for its client")
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_while_the_file_is_read_ends_it_at_once(inserting, database, number):
    inserting.send_signal(number)
    inserting.wait(timeout=20)
    assert inserting.returncode == -number
    wait_until(lambda: not database.idle_in_transaction(), what="the end of the transaction")
    assert added(database) == []


def test_a_server_that_ends_the_connection_in_mid_file_is_a_3(inserting, database):
    [(process,)] = wait_until(database.idle_in_transaction, what="a transaction that waits for its client")
    database.execute("SELECT pg_terminate_backend(%s)", process)
    stdout, stderr = inserting.communicate(many(50000).partition("\n")[2], timeout=20)
    assert (inserting.returncode, stdout) == (3, "")
    assert stderr.startswith("ordercache: error: ") and stderr.count("\n") == 1
    assert added(database) == []


def test_the_timeout_bounds_each_wait_and_not_the_whole(ordercache, database):
    process = ordercache.start("add", "--from", "-", "--timeout", "3", stdin=subprocess.PIPE)
    rows = many(20000).splitlines(keepends=True)
    for piece in rows[:10000], rows[10000:]:
        process.stdin.write("".join(piece))
        process.stdin.flush()
        time.sleep(1.6)
    stdout, _ = process.communicate(timeout=20)
    assert (process.returncode, stdout) == (0, "20000\n")
    assert len(added(database)) == 20000


def test_a_wait_that_lasts_too_long_ends_by_the_timeout(ordercache, database, write):
    with database.orders_locked():
        run = ordercache("add", "--from", write(ORDERS), "--timeout", "1")
        assert (run.status, run.stdout) == (3, "")
        assert 0.9 < run.seconds < 10
        database.wait_for_no_activity("INSERT")
    assert added(database) == []


def test_killed_at_any_moment_it_is_all_or_nothing(ordercache, database, cache, write):
    rows = 5000
    path = write(many(rows))
    begin = time.monotonic()
    assert ordercache("add", "--from", path).status == 0
    whole = time.monotonic() - begin
    total = LAST_ORDER + rows
    for _ in range(12):
        assert ordercache("count").stdout == f"{total}\n"
        process = ordercache.start("add", "--from", path)
        time.sleep(random.uniform(0, whole))
        process.kill()
        process.wait()
        database.wait_for_no_transaction()
        now = database.value("SELECT count(*) FROM orders")
        assert now in (total, total + rows)
        total = now
        assert ordercache("count").stdout == f"{total}\n"


# The progress bar


def on_a_terminal(ordercache, *arguments, env=None, columns=80):
    """Feeds the program slowly, its stderr a terminal; gives what the terminal was sent."""
    terminal, stderr = pty.openpty()
    fcntl.ioctl(stderr, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = ordercache.start(
        *arguments, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=stderr,
        env={"TERM": "xterm", **(env or {})},
    )
    os.close(stderr)
    for _ in range(4):
        process.stdin.write("1\n" * 40000)
        process.stdin.flush()
        time.sleep(0.4)
    process.stdin.close()
    shown = b""
    try:
        while chunk := os.read(terminal, 4096):
            shown += chunk
    except OSError:  # the other end is closed
        pass
    os.close(terminal)
    assert process.wait(timeout=20) == 0
    return shown.decode()


LONG_COUNT = ("count", "--customers-from", "-")


def test_on_a_terminal_a_bar_is_drawn_and_leaves_a_clean_line(ordercache):
    shown = on_a_terminal(ordercache, *LONG_COUNT, columns=40)
    assert " customers" in shown
    assert shown.endswith("\r\x1b[K")
    assert all(len(line.replace("\x1b[K", "")) < 40 for line in shown.split("\r"))


@pytest.mark.parametrize("arguments, env", [(("-q",), {}), ((), {"TERM": "dumb"})], ids=["-q", "TERM=dumb"])
def test_no_bar_is_drawn_with(ordercache, arguments, env):
    assert on_a_terminal(ordercache, *LONG_COUNT, *arguments, env=env) == ""
