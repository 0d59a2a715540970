"""A connection that was made long ago may lead to a replica by now, or to nobody."""

import subprocess
import time

import pytest

from orders import CSV, an_order
from peers import Proxy
from servers import Redis, running, wait_until

TRUST = 1.0
"""For so many seconds no connection is asked for the server's role."""


@pytest.fixture
def server(folder):
    with running(Redis(folder)) as server:
        yield server


@pytest.fixture
def network(ordercache, server):
    """What lies between the program and Redis."""
    with Proxy(server.port) as network:
        ordercache.environment["REDIS_SERVICE_URI"] = server.uri(port=network.port) + "?socket_timeout=1"
        yield network


@pytest.fixture
def ask(ordercache, network):
    """Asks a count that is kept running."""
    process = ordercache.start("count", "--customers-from=-", stdin=subprocess.PIPE)

    def ask(customer):
        process.stdin.write(f"{customer}\n")
        process.stdin.flush()
        return process.stdout.readline()

    yield ask
    assert process.communicate() == ("", "")


def test_a_count_that_is_kept_running_outlasts_a_network_that_forgets_it(ask, network, server):
    assert ask(9999) == "9999\t1\n"
    server.client().set("num_orders:9999", 7)
    network.forget()
    assert ask(9999) == "9999\t7\n"
    assert network.connections == 2


@pytest.mark.parametrize("command", [an_order(), ["add", "--from=-"]], ids=" ".join)
def test_an_add_outlasts_a_network_that_forgets_its_connection(ordercache, network, server, database, tmp_path, command):
    server.client().mset({"num_orders:all": 12000, "num_orders:9999": 1})
    (tmp_path / "orders.csv").write_text(CSV)
    with database.orders_locked(), (tmp_path / "orders.csv").open() as orders:
        process = ordercache.start(*command, stdin=orders)
        database.wait_for_activity("orders")
        time.sleep(TRUST)
        network.forget()
    assert process.communicate(timeout=30) == ("1\n" if "--from=-" in command else "12001\n", "")
    assert server.client().get("num_orders:all") == "12001"
    assert not server.client().exists("num_orders:9999")


def test_a_count_that_is_kept_running_leaves_a_server_that_has_become_a_replica(ask, network, server, folder):
    assert ask(9999) == "9999\t1\n"
    with running(Redis(folder)) as new:
        new.client().set("num_orders:9999", 7)
        network._target = new.port  # as the name or the address now means the new one
        server.client().replicaof("127.0.0.1", 1)
        begin = time.monotonic()
        wait_until(lambda: ask(9999) == "9999\t7\n", what="the new primary's answer")
        assert time.monotonic() - begin < 2 * TRUST
