"""Redis Cluster: any node's URI will do, whatever moves and whoever dies."""

import time

import pytest

from load import Load
from orders import LAST_ORDER, added, an_order
from servers import Cluster, wait_until

CUSTOMERS = range(9_000, 9_030)
VALUES = ["num_orders:all", *[f"num_orders:{customer}" for customer in CUSTOMERS]]


@pytest.fixture(scope="module")
def cluster(folder):
    cluster = Cluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def cache(cluster):
    """The cluster, empty."""
    wait_until(cluster.is_whole, what="the cluster's recovery")
    for primary in cluster.primaries():
        empty(primary)
    client = cluster.client()
    yield client
    client.close()


def empty(primary):
    """Its replicas too: one may be promoted."""
    with primary.client() as client:
        replicas = client.info("replication")["connected_slaves"]
        client.flushall()
        wait_until(lambda: client.wait(replicas, 1000) >= replicas, what="the replicas, which are empty")


@pytest.fixture
def ordercache(program, postgres, database, cluster, cache):
    """The program, with the URI of a node that does not serve the total's key."""
    program.environment.update(
        PG_SERVICE_URI=postgres.uri(), PG_DATABASE=database.name, REDIS_SERVICE_URI=cluster.uri(),
    )
    return program


def is_clean(run, answer):
    return (run.status, run.stdout, run.stderr) == (0, answer, "")


def seconds_left(ordercache, *arguments):
    run = ordercache("ttl", *arguments)
    assert (run.status, run.stderr) == (0, "")
    return int(run.stdout)


@pytest.mark.parametrize("number", [0, 5])
def test_every_command_works_through_any_node(ordercache, cluster, cache, number):
    ordercache.environment["REDIS_SERVICE_URI"] = cluster.nodes[number].uri()
    assert is_clean(ordercache("count"), "12000\n")
    assert cache.get("num_orders:all") == "12000"
    cache.set("num_orders:all", 11999, ex=100)
    assert is_clean(ordercache("count"), "11999\n")
    assert 90 < seconds_left(ordercache) <= 100
    assert is_clean(ordercache("count", "--refresh"), "12000\n")
    assert is_clean(ordercache(*an_order()), "12001\n")
    assert is_clean(ordercache("count"), "12001\n")
    assert is_clean(ordercache("count", "--customer", "9999"), "2\n")
    assert is_clean(ordercache("invalidate", "--customer", "9999", "--dry-run"), "2\n")
    assert is_clean(ordercache("invalidate", "--customer", "9999"), "2\n")
    assert ordercache("ttl").status == 1
    assert cache.keys() == []


def test_a_count_of_many_is_cached_wherever_each_belongs(ordercache, cache, database):
    arguments = [f"--customer={customer}" for customer in CUSTOMERS]
    answer = "".join(
        f"{customer}\t{database.value('SELECT count(*) FROM orders WHERE customerid = %s', customer)}\n"
        for customer in CUSTOMERS
    )
    assert is_clean(ordercache("count", *arguments), answer)
    assert len(cache.keys()) == len(CUSTOMERS)
    with database.log() as log:
        assert is_clean(ordercache("count", *arguments), answer)
    assert log == []


def test_a_refresh_of_many_does_not_wait_for_its_own_leases(ordercache, cache):
    """Sent 250 at a time, they are refused for being in several slots, but the last one, which is by itself."""
    customers = "".join(f"{customer}\n" for customer in range(1, 252))
    run = ordercache("count", "--refresh", "--customers-from=-", "--timeout", "1", stdin=customers)
    assert (run.status, run.stderr) == (0, "")


def test_invalidate_visits_every_primary_and_touches_nothing_else(ordercache, cache):
    others = [f"other:{number}" for number in range(30)]
    cache.mset(dict.fromkeys([*VALUES, *others], 1))
    assert is_clean(ordercache("invalidate", "--dry-run"), f"{len(VALUES)}\n")
    assert is_clean(ordercache("invalidate"), f"{len(VALUES)}\n")
    assert sorted(cache.keys()) == sorted(others)


def test_an_audit_visits_every_primary(ordercache, cache):
    arguments = [f"--customer={customer}" for customer in CUSTOMERS]
    assert ordercache("count", *arguments).status == ordercache("count").status == 0
    assert is_clean(ordercache("invalidate", "--stale"), "0\n")
    for value in VALUES:
        cache.incr(value)
    assert is_clean(ordercache("invalidate", "--stale", "--dry-run"), f"{len(VALUES)}\n")
    assert is_clean(ordercache("invalidate", "--stale"), f"{len(VALUES)}\n")
    assert cache.keys() == []


@pytest.mark.parametrize("key", ["num_orders:all", "num_orders:9999"])
def test_a_wrong_count_in_a_slot_on_its_way_is_found_on_either_node(ordercache, cluster, cache, key):
    cache.set(key, 7)
    with cluster.slot_on_its_way(key) as (source, target):
        assert is_clean(ordercache("invalidate", "--stale", "--dry-run"), "1\n")
        source.client().execute_command("MIGRATE", "127.0.0.1", target.port, key, 0, 5000)
        assert is_clean(ordercache("invalidate", "--stale", "--dry-run"), "1\n")
    assert is_clean(ordercache("invalidate", "--stale"), "1\n")


def test_a_drop_of_a_wrong_total_waits_for_the_end_of_a_slots_way(ordercache, cluster, cache):
    cache.set("num_orders:all", 7)
    with cluster.slot_on_its_way("num_orders:all") as nodes:
        for node in nodes:
            node.client().config_resetstat()
        process = ordercache.start("invalidate", "--stale")
        wait_until(
            lambda: any(node.client().info("errorstats").get("errorstat_TRYAGAIN") for node in nodes), what="a TRYAGAIN",
        )
    assert process.communicate(timeout=20) == ("1\n", "")
    assert cache.keys() == []


def test_a_count_in_a_slot_on_its_way_is_found_on_either_node(ordercache, cluster, cache):
    name, arguments = "num_orders:9999", ["--customer=9999"]
    cache.set(name, 7, ex=100)
    with cluster.slot_on_its_way(name) as (source, target):
        assert is_clean(ordercache("count", *arguments), "7\n")
        source.client().execute_command("MIGRATE", "127.0.0.1", target.port, name, 0, 5000)
        assert is_clean(ordercache("count", *arguments), "7\n")
        assert 90 < seconds_left(ordercache, *arguments) <= 100
    assert is_clean(ordercache("count", *arguments), "7\n")


def test_an_add_waits_for_the_end_of_a_slots_way(ordercache, cluster, cache):
    cache.set("num_orders:all", 12000)
    for node in cluster.nodes:
        node.client().config_resetstat()
    with cluster.slot_on_its_way("num_orders:all") as nodes:
        process = ordercache.start(*an_order())
        wait_until(
            lambda: any(node.client().info("errorstats").get("errorstat_TRYAGAIN") for node in nodes), what="a TRYAGAIN",
        )
        time.sleep(5)  # longer than a count would wait, twice
    assert process.communicate(timeout=20) == ("12001\n", "")
    assert is_clean(ordercache("count"), "12001\n")


def test_a_fill_waits_for_the_end_of_a_slots_way(ordercache, cluster, cache):
    with cluster.slot_on_its_way("num_orders:all") as (_, target):
        process = ordercache.start("count")
        wait_until(lambda: target.client().info("errorstats").get("errorstat_TRYAGAIN"), what="a TRYAGAIN")
    assert process.communicate(timeout=20) == ("12000\n", "")
    assert cache.get("num_orders:all") == "12000"


def test_a_count_does_not_wait_for_a_slot_that_stays_on_its_way(ordercache, cluster, cache):
    with cluster.slot_on_its_way("num_orders:all"):
        run = ordercache("count")
    assert (run.status, run.stdout) == (0, "12000\n")
    assert "is moving" in run.stderr and run.seconds < 10


def test_an_add_says_that_its_time_was_up_for_a_slot_on_its_way(ordercache, cluster, cache):
    with cluster.slot_on_its_way("num_orders:all"):
        run = ordercache(*an_order(), "--timeout", "1")
    assert run.status == 4
    assert "refused EVAL: the key is moving to another node of the cluster: try again" in run.stderr


def test_no_count_is_wrong_while_slots_move(ordercache, cluster, cache):
    with Load(ordercache) as load:
        for _ in range(15):
            before = load.statuses.count(0)
            with cluster.slot_on_its_way("num_orders:all"):
                time.sleep(0.1)
            wait_until(lambda: load.statuses.count(0) > before, what="an add")
    assert load.wrong == []
    assert set(load.statuses) <= {0, 4}
    assert is_clean(ordercache("count"), f"{LAST_ORDER + load.statuses.count(0)}\n")


def test_a_replica_takes_over_from_a_primary_that_was_killed(ordercache, cluster, cache, database):
    ordercache("count")
    victim = cluster.owner("num_orders:all")
    victim.stop()
    try:
        count, add = ordercache("count"), ordercache(*an_order())
        assert (count.status, count.stdout) == (0, "12000\n")
        assert f"cannot connect to Redis at 127.0.0.1:{victim.port}" in count.stderr
        assert (add.status, add.stdout) == (4, "")
        assert added(database) == []
        wait_until(lambda: is_clean(ordercache("count"), "12000\n"), what="the take-over")
        assert ordercache(*an_order()).status == 0
        assert is_clean(ordercache("count"), "12001\n")
        assert ordercache("invalidate").status == 0
    finally:
        victim.start()


def test_no_count_is_wrong_while_a_primary_dies_and_a_replica_takes_over(ordercache, cluster, cache):
    victim = cluster.owner("num_orders:all")
    with Load(ordercache) as load:
        wait_until(lambda: 0 in load.statuses, what="an add")
        victim.stop()
        wait_until(lambda: ordercache("ttl").status != 4, what="the take-over")
        time.sleep(0.5)
    victim.start()
    assert load.wrong == []
    assert set(load.statuses) == {0, 4}
    assert is_clean(ordercache("count"), f"{LAST_ORDER + load.statuses.count(0)}\n")


@pytest.fixture
def tls_cluster(folder, authority):
    cluster = Cluster(folder, replicas=0, authority=authority)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def test_every_node_is_spoken_to_over_tls(program, postgres, database, tls_cluster, authority):
    program.environment.update(
        PG_SERVICE_URI=postgres.uri(), PG_DATABASE=database.name, SSL_CERT_FILE=authority.file,
        REDIS_SERVICE_URI=f"rediss://127.0.0.1:{tls_cluster.nodes[0].tls_port}",
    )
    arguments = [f"--customer={customer}" for customer in CUSTOMERS]
    answer = program("count", *arguments)
    assert (answer.status, answer.stderr) == (0, "")
    for node in tls_cluster.nodes:  # which tell each other's addresses, and have a name alone
        node.client().config_set("tls-cert-file", str(authority.sign("cluster", "DNS:localhost")))
    assert "for another host" in program("ttl").stderr
    program.environment["REDIS_SERVICE_URI"] = f"rediss://localhost:{tls_cluster.nodes[0].tls_port}"
    assert is_clean(program("count", *arguments), answer.stdout)
    for node in tls_cluster.nodes:
        node.client().config_set("port", 0)  # so that there is TLS alone
    assert is_clean(program("count", *arguments), answer.stdout)
    assert is_clean(program("invalidate"), f"{len(CUSTOMERS)}\n")


@pytest.fixture
def shop(cluster):
    """A user on every node with just what the manual page has it granted."""
    rules = ["~num_orders:*", "~{num_orders:*}:*", "+get", "+mget", "+set", "+del"]
    rules += ["+exists", "+pttl", "+pexpire", "+scan", "+eval", "+time", "+hgetall", "+hset", "+hdel"]
    rules += ["+asking", "+cluster|slots"]
    for node in cluster.nodes:
        node.client().execute_command("ACL SETUSER", "shop", "reset", "on", ">open", *rules)
        node.client().execute_command("ACL LOG RESET")
    yield "shop:open@"
    for node in cluster.nodes:
        node.client().execute_command("ACL DELUSER", "shop")


def test_a_user_with_just_what_the_manual_lists_can_do_everything(ordercache, cluster, cache, shop):
    ordercache.environment["REDIS_SERVICE_URI"] = cluster.uri(shop)
    some = [f"--customer={customer}" for customer in CUSTOMERS]
    for arguments, answer in [
        (["count"], "12000\n"), (["count"], "12000\n"), (["count", "--refresh"], "12000\n"), (["ttl"], None),
        (an_order(), "12001\n"), (["count", *some], None), (["count", *some], None),
        (["invalidate", "--stale"], "0\n"), (["invalidate", "--dry-run"], f"{len(CUSTOMERS) + 1}\n"), (["invalidate"], f"{len(CUSTOMERS) + 1}\n"),
    ]:
        run = ordercache(*arguments)
        assert (run.status, run.stderr) == (0, "")
        assert run.stdout == answer or not answer
    cache.set("num_orders:all", 7)
    with cluster.slot_on_its_way("num_orders:all") as (source, target):
        source.client().execute_command("MIGRATE", "127.0.0.1", target.port, "num_orders:all", 0, 5000)
        assert is_clean(ordercache("count"), "7\n")
    for each in cluster.nodes:
        assert each.client().execute_command("ACL LOG") == []
