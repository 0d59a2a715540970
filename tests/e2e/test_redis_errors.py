"""Each thing that Redis may refuse has a sentence of its own. A count is PostgreSQL's then; what must reach Redis fails."""

import threading

import pytest
import redis

from orders import added, an_order
from servers import Redis, running, wait_until

LEASE_SECONDS = 2

# What the README tells people to grant.
KEYS = ["~num_orders:*", "~{num_orders:*"]
COMMANDS = [
    "+get", "+mget", "+set", "+del", "+exists", "+pttl", "+pexpire", "+scan", "+eval", "+time", "+hgetall", "+hset",
    "+hdel",
]
DATABASE_COMMANDS = ["+select"]
FOLLOWERS_COMMANDS = ["+incrby"]


@pytest.fixture
def server(folder):
    """A Redis of the test's own: what it is made to refuse stays with it."""
    with running(Redis(folder)) as server:
        yield server


@pytest.fixture
def admin(server):
    client = server.client()
    yield client
    client.close()


@pytest.fixture
def ordercache(ordercache, server):
    ordercache.environment["REDIS_SERVICE_URI"] = server.uri()
    return ordercache


def check_that_it_is_told(ordercache, database, sentence, commands=(("ttl",), tuple(an_order()), ("invalidate",)), **env):
    """Of the commands that need Redis as an error, of a count as a warning."""
    count = ordercache("count", env=env)
    assert (count.status, count.stdout) == (0, "12000\n")
    assert count.stderr.startswith("ordercache: warning: Redis at 127.0.0.1:")
    assert sentence in count.stderr and count.stderr.count("\n") == 1
    for command in commands:
        run = ordercache(*command, env=env)
        assert (run.status, run.stdout) == (4, "")
        assert run.stderr.startswith("ordercache: error: Redis at 127.0.0.1:")
        assert sentence in run.stderr and run.stderr.count("\n") == 1
    assert added(database) == []


def grant(admin, *rules):
    admin.execute_command("ACL SETUSER", "shop", "reset", "on", ">open", *rules)


@pytest.mark.parametrize("number", [0, 3])
def test_a_user_with_just_what_the_readme_lists_can_do_everything(ordercache, server, admin, number):
    grant(admin, *KEYS, *COMMANDS, *(DATABASE_COMMANDS if number else []))
    ordercache.environment["REDIS_SERVICE_URI"] = f"{server.uri('shop:open@')}/{number}"
    for arguments, answer in [
        (["count"], "12000\n"), (["count"], "12000\n"), (["count", "--refresh"], "12000\n"),
        (["count", "--customer=9999", "--customer=9998"], None), (["count", "--customer=9999", "--customer=9998"], None),
        (["ttl"], None), (an_order(), "12001\n"), ([*an_order(), "--dry-run"], "12002\n"),
        (["invalidate", "--customer=9998", "--dry-run"], "2\n"), (["invalidate", "--customer=9998"], "2\n"),
        (["count"], "12001\n"), (["invalidate", "--dry-run"], "1\n"), (["invalidate"], "1\n"),
    ]:
        run = ordercache(*arguments)
        assert (run.status, run.stderr) == (0, "")
        assert run.stdout == answer or not answer
    assert admin.execute_command("ACL LOG") == []


@pytest.mark.parametrize("command", COMMANDS)
def test_of_what_the_readme_lists_nothing_is_granted_in_vain(ordercache, server, admin, command):
    grant(admin, *KEYS, *[each for each in COMMANDS if each != command])
    ordercache.environment["REDIS_SERVICE_URI"] = server.uri("shop:open@")
    runs = [
        ordercache(*arguments) for arguments in (
            ["count"], ["count", "--customer=9999", "--customer=9998"], ["ttl"], an_order(),
            ["invalidate", "--dry-run"], ["invalidate", "--customer=9999"],
        )
    ]
    refused = [run for run in runs if "lacks a right" in run.stderr]
    assert refused
    assert {run.status for run in refused} <= {0, 4}


@pytest.mark.parametrize("rules", [COMMANDS, [*COMMANDS, *FOLLOWERS_COMMANDS]])
def test_a_follower_needs_just_what_the_readme_lists(ordercache, server, admin, database, rules):
    grant(admin, *KEYS, *rules)
    database.execute(ordercache("invalidate", "--follow-sql").stdout)
    process = ordercache.start("-v", "invalidate", "--follow", env={"REDIS_SERVICE_URI": server.uri("shop:open@")})
    assert any("Following what others write" in line for line in process.stderr)
    assert ordercache("count").stdout == "12000\n"
    database.execute("INSERT INTO orders (orderdate, customerid, netamount, tax, totalamount) VALUES ('2004-01-01', 9999, 1, 1, 2)")
    if rules == COMMANDS:
        assert any("lacks a right" in line for line in process.stderr)
    else:
        wait_until(lambda: admin.get("num_orders:all") == "12001", what="the order in the cache")
        assert admin.execute_command("ACL LOG") == []
    process.kill()
    process.wait()


def test_a_lease_is_renewed_with_just_what_the_readme_lists(ordercache, server, admin, database):
    grant(admin, *KEYS, *COMMANDS)
    with database.orders_locked():
        process = ordercache.start("count", env={"REDIS_SERVICE_URI": server.uri("shop:open@")})
        database.wait_for_activity("orders")
        wait_until(lambda: admin.info("commandstats").get("cmdstat_pexpire"), what="a renewal")
    assert process.communicate(timeout=20) == ("12000\n", "")


def test_a_user_who_may_not_is_told_of_acl_setuser(ordercache, server, admin, database):
    grant(admin, "~*", "+@all", "-get", "-del", "-pttl", "-scan")
    check_that_it_is_told(
        ordercache, database, "lacks a right: grant it with ACL SETUSER", REDIS_SERVICE_URI=server.uri("shop:open@"),
    )


def test_a_user_who_may_run_no_script_is_told_so_and_leaves_no_lease_behind(ordercache, server, admin):
    grant(admin, *KEYS, *[each for each in COMMANDS if each != "+eval"])
    ordercache.environment["REDIS_SERVICE_URI"] = server.uri("shop:open@")
    for _ in range(3):
        run = ordercache("count")
        assert (run.status, run.stdout) == (0, "12000\n")
        assert "refused EVAL" in run.stderr and "RIGHTS in ordercache(1)" in run.stderr and run.stderr.count("\n") == 1
        assert run.seconds < LEASE_SECONDS
        assert admin.keys() == []


def test_a_server_whose_scripts_are_renamed_is_told_so_and_keeps_no_lease(ordercache, folder):
    with running(Redis(folder, "--rename-command", "EVAL", "hidden")) as server:
        for _ in range(2):
            run = ordercache("count", env={"REDIS_SERVICE_URI": server.uri()})
            assert (run.status, run.stdout) == (0, "12000\n")
            assert "refused EVAL: it does not know the command" in run.stderr and run.stderr.count("\n") == 1
            assert run.seconds < LEASE_SECONDS


def test_a_connection_that_redis_closed_during_a_long_add_is_made_anew(ordercache, server, admin, database):
    admin.set("num_orders:all", 12000)
    admin.config_set("timeout", 1)
    with database.orders_locked():
        process = ordercache.start(*an_order())
        database.wait_for_activity("orders")
        wait_until(lambda: int(server.client().info("clients")["connected_clients"]) == 1, what="the end of the connection")
    assert process.communicate(timeout=20) == ("12001\n", "")
    assert server.client().get("num_orders:all") == "12001"


def test_a_user_without_a_password_is_the_user_all_the_same(ordercache, server, admin):
    admin.execute_command("ACL SETUSER", "shop", "reset", "on", "nopass", *KEYS, "+get", "+pttl")
    admin.set("num_orders:all", 7)
    run = ordercache("count", env={"REDIS_SERVICE_URI": server.uri("shop:@")})
    assert (run.status, run.stdout, run.stderr) == (0, "7\n", "")
    assert "lacks a right" in ordercache("invalidate", env={"REDIS_SERVICE_URI": server.uri("shop:@")}).stderr


def test_a_user_who_may_not_use_the_keys_is_told_so(ordercache, server, admin, database):
    grant(admin, "~other:*", "+@all")
    check_that_it_is_told(
        ordercache, database, "lacks a right: grant it with ACL SETUSER", commands=[("ttl",), tuple(an_order())],
        REDIS_SERVICE_URI=server.uri("shop:open@"),
    )


def test_a_missing_password_is_asked_for(ordercache, admin, database):
    admin.config_set("requirepass", "open")
    check_that_it_is_told(ordercache, database, "it needs a password: add it to REDIS_SERVICE_URI")


@pytest.mark.parametrize("credentials", ["shop:hush@", "nobody:hush@", ":hush@"])
def test_a_wrong_password_is_called_wrong_and_not_shown(ordercache, server, admin, database, credentials):
    admin.config_set("requirepass", "open")
    admin.auth("open")
    grant(admin, "~*", "+@all")
    sentence = "the user or the password in REDIS_SERVICE_URI is wrong"
    check_that_it_is_told(ordercache, database, sentence, REDIS_SERVICE_URI=server.uri(credentials))


def test_a_server_that_loads_its_data_is_waited_for_by_the_user(ordercache, server, admin, database):
    admin.config_set("rdbcompression", "no")
    admin.mset({f"filler:{number}": "x" * 2048 for number in range(500)})
    admin.save()
    server.stop()
    microseconds_a_key = 20_000
    server.start(
        "--key-load-delay", str(microseconds_a_key), "--loading-process-events-interval-bytes", "1024", wait=False,
    )
    wait_until(lambda: is_loading(admin), what="the loading")
    check_that_it_is_told(ordercache, database, "it is still loading its data: try again")


def is_loading(client):
    try:
        client.ping()
    except redis.BusyLoadingError:
        return True
    except redis.ConnectionError:
        return False
    raise AssertionError("the server has loaded its data already")


@pytest.fixture
def replica(folder, server, admin):
    admin.config_set("repl-diskless-sync-delay", 0)
    replica = Redis(folder, "--replicaof", f"127.0.0.1 {server.port}", "--replica-serve-stale-data", "no")
    try:
        replica.start(wait=False)
        wait_until(lambda: follows(replica), what="the replica's start")
        yield replica
    finally:
        replica.stop()


def follows(replica):
    try:
        return replica.client().info("replication")["master_link_status"] == "up"
    except redis.ConnectionError:
        return False


def test_a_replica_is_told_from_a_primary(ordercache, replica, database):
    check_that_it_is_told(
        ordercache, database, "it is a replica: name the primary in REDIS_SERVICE_URI", commands=[tuple(an_order())],
        REDIS_SERVICE_URI=replica.uri(),
    )


def test_a_replica_that_has_lost_its_primary_is_told_so(ordercache, replica, server, database):
    server.stop()
    wait_until(lambda: not follows(replica), what="the loss")
    check_that_it_is_told(
        ordercache, database, "it is a replica that has lost its primary: name the primary",
        commands=[("ttl",), ("invalidate",)],
        REDIS_SERVICE_URI=replica.uri(),
    )


def test_a_server_without_memory_says_what_to_raise_and_still_drops(ordercache, admin, database):
    admin.mset({"num_orders:all": 12000, "num_orders:9999": 7})
    admin.config_set("maxmemory", 1)
    count = ordercache("count", "--customer", "1")
    assert count.status == 0
    assert count.stderr.startswith("ordercache: warning: Redis at 127.0.0.1:")
    assert "its memory is full: raise maxmemory" in count.stderr
    assert ordercache(*an_order()).status == 0
    assert not admin.exists("num_orders:9999")
    assert admin.get("num_orders:all") in (None, "12001")


def test_a_server_that_cannot_save_sends_to_its_log_and_serves_what_it_has(ordercache, folder, database):
    gone = folder / "gone"
    gone.mkdir()
    with running(Redis(folder, "--dir", str(gone), "--save", "3600 1")) as server, server.client() as client:
        client.set("num_orders:9999", "7")
        gone.rmdir()
        client.bgsave()
        wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", what="a save that fails")
        sentence = "it cannot save to disk and refuses writes: see its log"
        uri = server.uri()
        check_that_it_is_told(
            ordercache, database, sentence, commands=[tuple(an_order()), ("invalidate",)], REDIS_SERVICE_URI=uri,
        )
        assert ordercache("count", "--customer=9999", env={"REDIS_SERVICE_URI": uri}).stdout == "7\n"


def test_a_server_that_is_busy_with_a_script_is_told_so(ordercache, server, admin, database):
    admin.config_set("busy-reply-threshold", 10)
    script = threading.Thread(target=loop_for_ever, args=(server.client(),))
    script.start()
    try:
        wait_until(lambda: is_busy(admin), what="the script's start")
        check_that_it_is_told(ordercache, database, "it is busy with a script: try again")
    finally:
        admin.script_kill()
        script.join()


def loop_for_ever(client):
    with pytest.raises(redis.ResponseError):
        client.eval("while true do end", 0)


def is_busy(client):
    try:
        client.get("any")
    except redis.ResponseError as error:
        return str(error).startswith("BUSY")
    return False


def test_a_cluster_that_is_down_is_told_so(ordercache, folder, database):
    node = Redis(folder, "--cluster-enabled", "yes", "--cluster-config-file", "nodes-of-none.conf")
    try:
        node.start()
        check_that_it_is_told(ordercache, database, "the cluster is down: try again", REDIS_SERVICE_URI=node.uri())
    finally:
        node.stop()


def test_any_other_error_is_told_in_rediss_own_words(ordercache, admin, server, database):
    check_that_it_is_told(
        ordercache, database, "refused SELECT: ERR DB index is out of range", REDIS_SERVICE_URI=f"{server.uri()}/99",
    )


@pytest.mark.parametrize("uri", ["redis://127.0.0.1:{}/99", "redis://:wrong@127.0.0.1:{}"])
@pytest.mark.parametrize("command", [an_order(), ["count", "--refresh"]], ids=" ".join)
def test_where_redis_refuses_the_database_or_the_password_it_changes_nothing(uri, command, ordercache, lone_redis):
    cache = lone_redis.client()
    cache.set("num_orders:all", 4711)
    ordercache(*command, env={"REDIS_SERVICE_URI": uri.format(lone_redis.port)})
    assert cache.keys() == ["num_orders:all"]
