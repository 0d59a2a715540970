"""Redis by way of its Sentinels: which server is the primary is theirs to say, and its own."""

import pytest

from following import Counts, Follower, install
from load import Load
from orders import LAST_ORDER, added, an_order
from peers import Listener, Proxy
from program import ask
from sentinels import SERVICE, FakeSentinel, Sentinel, Watched
from servers import Redis, running, wait_until


@pytest.fixture(scope="module")
def watched(folder):
    with running(Watched(folder)) as watched:
        yield watched


@pytest.fixture
def cache(watched):
    wait_until(watched.is_ready, what="a primary with its replica")
    with watched.primary().client() as client:
        client.flushall()
        wait_until(lambda: client.wait(1, 1000) == 1, what="the replica, which has nothing of the last test either")
        yield client


@pytest.fixture
def ordercache(ordercache, watched, cache):
    ordercache.environment["REDIS_SERVICE_URI"] = watched.uri()
    return ordercache


def test_every_command_works_by_way_of_sentinels(ordercache, cache):
    for arguments, answer in [
        (["count"], "12000\n"), (["count"], "12000\n"), (an_order(), "12001\n"), (["count"], "12001\n"),
        (["count", "--customer=9999", "--customer=9998"], None), (["invalidate"], "3\n"),
    ]:
        run = ordercache(*arguments)
        assert (run.status, run.stderr) == (0, "")
        assert run.stdout == answer or not answer
    assert ordercache("ttl").status == 1


def test_the_database_of_the_uri_is_the_primarys(ordercache, watched):
    assert ordercache("count", env={"REDIS_SERVICE_URI": watched.uri(after="/5")}).stdout == "12000\n"
    assert watched.primary().client(db=5).get("num_orders:all") == "12000"


def test_a_hit_asks_one_sentinel_and_the_primary_for_its_role_with_the_count(ordercache, watched, cache):
    cache.set("num_orders:all", 7)
    with Proxy(watched.sentinels[0].port) as sentinel, Proxy(watched.primary().port) as primary:
        with FakeSentinel(primary.port) as fake:
            ordercache.environment["REDIS_SERVICE_URI"] = f"redis+sentinel://127.0.0.1:{fake.port}/{SERVICE}"
            assert ordercache("count").stdout == "7\n"
        assert (primary.connections, primary.round_trips) == (1, 1)
        ordercache.environment["REDIS_SERVICE_URI"] = watched.uri([sentinel, *watched.sentinels[1:]])
        assert ordercache("count").stdout == "7\n"
        assert (sentinel.connections, sentinel.round_trips) == (1, 1)


def test_a_sentinel_that_is_gone_or_silent_leaves_the_question_to_the_next(ordercache, watched, cache):
    cache.set("num_orders:all", 7)
    with Listener() as silent:
        for others in ([silent], [Redis(watched.servers[0].folder)], [silent, silent]):
            run = ordercache("count", env={"REDIS_SERVICE_URI": watched.uri([*others, watched.sentinels[2]])})
            assert (run.status, run.stdout, run.stderr) == (0, "7\n", "") and run.seconds < 2


def test_the_next_command_after_a_failover_goes_to_the_new_primary(ordercache, watched, cache, database):
    assert ordercache("count").stdout == "12000\n"
    old = watched.kill_primary()
    assert ordercache(*an_order()).stdout == "12001\n"
    assert ordercache("count").stdout == "12001\n"
    assert watched.primary().client().get("num_orders:all") == "12001"
    old.start()
    assert ordercache(*an_order()).stdout == "12002\n"
    wait_until(watched.is_ready, what="the old primary as a replica")
    run = ordercache("count")
    assert (run.stdout, run.stderr) == ("12002\n", "")
    assert old.client().role()[0] == "slave"


def test_no_order_is_lost_and_no_count_older_than_two_seconds_while_replicas_take_over(ordercache, watched, cache, database):
    """A primary that is killed may not have told its replica of the last add."""
    install(ordercache, database)
    follower = Follower(ordercache)
    with Load(ordercache, lag=2) as load:
        for _ in range(2):
            killed = watched.kill_primary()
            before = load.statuses.count(0)
            wait_until(lambda: load.statuses.count(0) > before + 5, what="adds to the new primary")
            killed.start()
            wait_until(watched.is_ready, what="the old primary as a replica")
    follower.end()
    assert load.wrong == []
    assert set(load.statuses) <= {0, 4}
    assert len(added(database)) == load.statuses.count(0)
    run = ordercache("count")
    assert (run.stdout, run.stderr) == (f"{LAST_ORDER + load.statuses.count(0)}\n", "")
    assert Counts(watched.primary().client(), database).wrong() == {}


def test_a_failover_on_demand_leaves_no_count_older_than_two_seconds(ordercache, watched, cache, database):
    """For some seconds both servers take themselves for the primary."""
    install(ordercache, database)
    follower = Follower(ordercache)
    with Load(ordercache, lag=2) as load:
        wait_until(lambda: 0 in load.statuses, what="an add")
        watched.fail_over()
    follower.end()
    assert load.wrong == []
    assert set(load.statuses) <= {0, 4}
    assert len(added(database)) == load.statuses.count(0)
    assert Counts(watched.primary().client(), database).wrong() == {}


def test_a_primary_that_says_it_is_a_replica_is_not_believed(ordercache, watched, cache):
    replica = next(server for server in watched.servers if server is not watched.primary())
    with FakeSentinel(replica.port, replica.port, watched.primary().port) as behind:
        run = ordercache(*an_order(), env={"REDIS_SERVICE_URI": watched.uri([behind])})
        assert (run.status, run.stdout, run.stderr) == (0, "12001\n", "")
        assert behind.connections == 3
    with FakeSentinel(replica.port) as wrong:
        run = ordercache("ttl", env={"REDIS_SERVICE_URI": watched.uri([wrong])})
        assert (run.status, run.stdout) == (4, "")
        assert run.stderr == (
            f"ordercache: error: Redis at 127.0.0.1:{replica.port} is a replica, though its Sentinels name it as the"
            " primary: try again\n"
        )
        assert wrong.connections > 3 and run.seconds < 4


def test_a_count_that_is_kept_running_finds_the_new_primary(ordercache, watched, cache):
    process = ordercache.start("count", "--customers-from=-", stdin=-1)
    assert ask(process, 9999) == "9999\t1\n"
    watched.fail_over()
    watched.primary().client().set("num_orders:9999", 7)
    assert ask(process, 9999) == "9999\t7\n"
    assert process.communicate() == ("", "")


def test_a_follower_finds_the_new_primary_and_clears_it(ordercache, watched, cache, database):
    install(ordercache, database)
    process = ordercache.start("-v", "invalidate", "--follow")
    assert any("Following what others write" in line for line in process.stderr)
    cache.set("num_orders:all", 7)
    cache.wait(1, 0)
    watched.fail_over()
    assert any("Following what others write" in line for line in process.stderr)
    assert not watched.primary().client().exists("num_orders:all")
    process.terminate()
    process.wait()


def test_the_sentinels_may_have_a_password_of_their_own(ordercache, folder, database):
    with running(Watched(folder, password="s3ntinel")) as watched:
        run = ordercache("ttl", env={"REDIS_SERVICE_URI": watched.uri(after="?sentinel_password=s3ntinel")})
        assert (run.status, run.stderr) == (1, "")
        for after, sentence in [
            ("", "it needs a password: set sentinel_password in REDIS_SERVICE_URI"),
            ("?sentinel_password=hush", "sentinel_password in REDIS_SERVICE_URI is wrong"),
        ]:
            run = ordercache(*an_order(), env={"REDIS_SERVICE_URI": watched.uri(after=after)})
            assert (run.status, run.stdout) == (4, "")
            assert run.stderr.startswith("ordercache: error: Sentinel at 127.0.0.1:") and run.stderr.count(sentence) == 3
            assert "hush" not in run.stderr and "s3ntinel" not in run.stderr and run.stderr.count("\n") == 1
        assert added(database) == []


def test_a_password_that_a_sentinel_does_not_want_is_to_be_left_out(ordercache, watched):
    run = ordercache("ttl", env={"REDIS_SERVICE_URI": watched.uri(after="?sentinel_password=hush")})
    assert run.status == 4 and "leave sentinel_password out of REDIS_SERVICE_URI" in run.stderr


def test_the_users_password_is_the_primarys_alone(ordercache, watched, cache):
    with FakeSentinel(watched.primary().port) as sentinel:
        run = ordercache("ttl", env={"REDIS_SERVICE_URI": watched.uri([sentinel], credentials="nobody:hush@")})
    assert run.status == 4
    assert f"Redis at 127.0.0.1:{watched.primary().port} refused AUTH: the user or the password" in run.stderr
    assert b"GET-MASTER-ADDR-BY-NAME" in sentinel.heard and b"hush" not in sentinel.heard


@pytest.fixture
def secured(folder, authority):
    """A Sentinel that speaks TLS alone, and the TLS port of the primary that it names."""
    with running(Redis(folder, authority=authority)) as primary:
        with running(Sentinel(folder, primary.tls_port, authority=authority)) as sentinel:
            yield sentinel, primary


def test_tls_is_spoken_to_the_sentinel_and_to_the_primary(ordercache, secured, authority):
    sentinel, primary = secured
    address = f"127.0.0.1:{sentinel.port}/{SERVICE}"
    authorized = {"REDIS_SERVICE_URI": f"rediss+sentinel://{address}?ssl_ca_certs={authority.file}"}
    wait_until(lambda: ordercache("count", env=authorized).stderr == "", what="the Sentinel's start")
    assert primary.client().get("num_orders:all") == "12000"
    assert ordercache("invalidate", env=authorized).stdout == "1\n"
    run = ordercache("ttl", env={"REDIS_SERVICE_URI": f"rediss+sentinel://{address}", "SSL_CERT_FILE": None})
    assert run.status == 4 and f"Sentinel at 127.0.0.1:{sentinel.port}" in run.stderr and "unknown authority" in run.stderr
    run = ordercache("ttl", env={"REDIS_SERVICE_URI": f"redis+sentinel://{address}", "SSL_CERT_FILE": None})
    assert run.status == 4 and "if it wants TLS, begin REDIS_SERVICE_URI with rediss" in run.stderr


def test_a_service_that_the_sentinels_do_not_know_is_told(ordercache, watched):
    run = ordercache("ttl", env={"REDIS_SERVICE_URI": watched.uri().replace(SERVICE, "mymaster")})
    assert run.status == 4 and run.stderr.count("knows no service mymaster: write the name that its configuration has") == 3


def test_a_redis_in_a_sentinels_place_is_told_from_one(ordercache, watched):
    run = ordercache("ttl", env={"REDIS_SERVICE_URI": watched.uri([watched.primary()])})
    assert run.status == 4 and "it is not a Sentinel: without Sentinels, write redis://" in run.stderr


@pytest.mark.parametrize("credentials", ["", ":hush@", "default:hush@"])
@pytest.mark.parametrize("number", ["", "/3"])
def test_a_sentinel_in_rediss_place_is_told_from_it(ordercache, watched, credentials, number):
    port = watched.sentinels[0].port
    run = ordercache("ttl", env={"REDIS_SERVICE_URI": f"redis://{credentials}127.0.0.1:{port}{number}"})
    assert (run.status, run.stdout) == (4, "")
    assert f": it is a Sentinel: write redis+sentinel://127.0.0.1:{port}/NAME" in run.stderr and "hush" not in run.stderr


def test_where_no_sentinel_answers_each_is_named(ordercache, database):
    env = {"REDIS_SERVICE_URI": "redis+sentinel://127.0.0.1:1,127.0.0.1:2/shop"}
    run = ordercache(*an_order(), env=env)
    assert (run.status, run.stdout) == (4, "")
    assert run.stderr == (
        "ordercache: error: cannot connect to Sentinel at 127.0.0.1:1: Connection refused;"
        " cannot connect to Sentinel at 127.0.0.1:2: Connection refused\n"
    )
    assert ordercache("count", env=env).stdout == "12000\n"
    assert added(database) == []
