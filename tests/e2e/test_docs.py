"""README.md and the manual: every session in them goes as they show it, and every recipe does what it says."""

import fcntl
import json
import re

import pytest

import servers
from delayed_link import USER_TOO
from documents import README, ROOT, Reader, as_written, blocks, examples, manual_as, pictured_session, table
from following import INSERT, Follower, install
from keys import ALIVE
from orders import LAST_ORDER, NEXT_ORDER, added, an_order
from peers import refusing_port

ORDER = an_order()[1:]


@pytest.fixture
def store(postgres, pool):
    """The demo's, under the name that the program looks for."""
    store = servers.Database(postgres, "dellstore")
    postgres.execute("postgres", "CREATE DATABASE dellstore")
    try:
        store.execute(servers.OWN_SAMPLE.read_text())
        yield store
    finally:
        store.drop()


@pytest.fixture
def providers_database(postgres):
    """The one that a provider's URI names. It has no orders."""
    postgres.execute("postgres", "CREATE DATABASE defaultdb")
    yield
    servers.Database(postgres, "defaultdb").drop()


@pytest.fixture
def reader(tmp_path, store, postgres, redis_server, cache):
    return Reader(tmp_path, {
        "PG_SERVICE_URI": f"postgresql://{servers.USER}@db.example:{postgres.service_port}/defaultdb?hostaddr=127.0.0.1",
        "REDIS_SERVICE_URI": redis_server.uri(),
    })


@pytest.fixture
def environment_file(reader):
    """The file that the recipes read, and the recipe that goes with it, told where it is. The reader's own shell has
    no variable set."""
    [text] = examples("EXAMPLES")
    for name in ("PG_SERVICE_URI", "REDIS_SERVICE_URI"):
        text = re.sub(f"{name}='.*'", f"{name}='{reader.environment.pop(name)}'", text)
    path = reader.write("environment", text)
    return lambda recipe: recipe.replace("/etc/ordercache/environment", str(path))


def test_the_readme_s_sessions_go_as_written(reader):
    session = "".join(blocks("console"))
    [file] = [block for block in blocks("sh") if "<<CSV" in block]
    reader.run(file)
    assert reader.play(session) == session


def test_the_readme_s_follower_hears_of_others_orders(reader, providers_database):
    [setup] = [block for block in blocks("sh") if "--follow-sql" in block]
    [follow] = re.findall("`(ordercache invalidate --follow)`", README)
    assert reader.run(setup).returncode == 0
    run = reader.run(f"""
        {follow} & follower=$!
        while ! ordercache count --customer 9999; do sleep 0.1; done
        psql -q "$PG_SERVICE_URI" -c '\\connect dellstore' -c "INSERT INTO orders
            VALUES (DEFAULT, '2023-03-10', 9999, 23.00, 1.80, 24.80)"
        while [ "$(ordercache count)" = {LAST_ORDER} ] || ordercache ttl --customer 9999; do sleep 0.1; done
        kill $follower; wait $follower; echo status $?
    """)
    assert run.stdout.splitlines()[-1] == "status 143"


def test_a_set_up_that_fails_says_so_by_its_status(reader, store, providers_database):
    store.execute("ALTER TABLE orders RENAME TO sales")
    [setup] = [block for block in blocks("sh") if "--follow-sql" in block]
    for setup in (setup, examples("FOLLOWING")[0]):
        run = reader.run(setup)
        assert run.returncode == 3
        assert run.stdout.count("ERROR") == 1


def test_postgres_shows_the_follower_and_what_waits_for_it(program, reader, store):
    at_work, waiting, known_total = examples("Looking into PostgreSQL")
    install(program, store)
    store.execute(INSERT.format(9999))
    assert (store.execute(at_work), store.execute(waiting)) == ([], [(1, "8192 bytes")])
    assert store.value(known_total) is None
    follower = Follower(program, **reader.environment)
    assert len(store.execute(at_work)) == 1
    servers.wait_until(lambda: store.execute(waiting)[0][0] == 0)
    servers.wait_until(lambda: store.value(known_total) == store.value("SELECT count(*) FROM orders"))
    follower.end()


def test_the_pictured_session_goes_as_drawn(reader):
    session = pictured_session()
    assert "man/session.svg" in README
    assert reader.play(session) == as_written(session)


def test_the_readme_s_install_puts_everything_in_its_place(reader):
    [steps] = [block for block in blocks("sh") if "cmake --install" in block]
    reader.stand_in("sudo", f"DESTDIR='{reader.folder}' exec \"$@\"")
    with (servers.TESTS / "demo").open() as builds:
        fcntl.flock(builds, fcntl.LOCK_EX)
        run = reader.run(f"set -e; {steps}", folder=ROOT)
    assert run.returncode == 0, run.stdout
    installed = reader.folder / "usr" / "local"
    assert {path.relative_to(installed).as_posix() for path in installed.glob("**/*") if path.is_file()} == {
        "bin/ordercache",
        "share/man/man1/ordercache.1",
        "share/bash-completion/completions/ordercache",
        "share/zsh/site-functions/_ordercache",
        "share/fish/vendor_completions.d/ordercache.fish",
        "lib/systemd/system/ordercache-follow.service",
    }


def test_all_three_texts_name_the_same_variables(program):
    in_help = re.findall(r"^  ([A-Z_]+) ", program("--help").stdout, re.MULTILINE)
    in_manual = re.findall(r"^     ([A-Z_]+)$", plain_manual("ENVIRONMENT"), re.MULTILINE)
    assert table("Configure") == in_help == in_manual


def test_all_three_texts_name_the_same_statuses(program):
    in_help = re.findall(r"^  (\d\S*) ", program("--help").stdout, re.MULTILINE)
    in_manual = re.findall(r"^     (\d\S*) ", plain_manual("EXIT STATUS"), re.MULTILINE)
    assert table("Exit status") == in_help == in_manual


def plain_manual(heading):
    """That section of the manual as a terminal shows it."""
    page = re.sub(".\b", "", manual_as("ascii"))
    return re.search(rf"^{heading}\n(.*?)(?=^\S)", page, re.DOTALL | re.MULTILINE)[1]


def test_the_manual_and_the_readme_say_who_needs_a_prefix_of_their_own():
    views = "two databases, two schemas, or two roles that row security shows different rows"
    for text in (plain_manual("WHAT IS NOT PROMISED"), README):
        assert views in " ".join(text.split()).lower()


def test_the_manual_is_written_without_a_mistake():
    assert manual_as("lint -W warning") == ""


def test_the_manual_is_of_the_program_s_version(program):
    version = re.match(r"ordercache (\d+\.\d+\.\d+)", program("--version").stdout)[1]
    page = re.sub(".\b", "", manual_as("ascii"))
    assert page.splitlines()[-1].split()[:2] == ["ordercache", version]
    assert re.search(r"^     (\d+\.\d+\.\d+) ", plain_manual("HISTORY"), re.MULTILINE)[1] == version


def test_verbose_tells_what_the_manual_says(reader):
    miss, hit = examples("OUTPUT")
    session = f"$ ordercache count -v\n{miss}\n12000\n$ ordercache count -v\n{hit}\n12000\n"
    assert reader.play(session) == session


def test_the_rights_that_the_manual_grants_are_enough(program, reader, store, lone_redis):
    grants, further_grants, *rules = examples("RIGHTS")
    install(program, store)
    store.execute("DROP ROLE IF EXISTS shop")
    store.execute(f"CREATE ROLE shop LOGIN; {grants}; {further_grants}")
    reader.stand_in("redis-cli", f"exec /usr/bin/redis-cli -p {lone_redis.port} \"$@\"")
    for rule in rules:
        assert reader.run(rule).stdout == "OK\n"
    reader.environment["PG_SERVICE_URI"] = reader.environment["PG_SERVICE_URI"].replace(servers.USER, "shop")
    reader.environment["REDIS_SERVICE_URI"] = lone_redis.uri("shop:password@") + "/1"
    reader.write("orders.csv", "date,customer,net,tax\n2023-03-11,9998,10.00,0.80\n")
    try:
        for command in (
            "count", "count --refresh", "count --customer 5 --customer 6", f"add {' '.join(ORDER)}",
            "add --from orders.csv", "invalidate --dry-run --customer 5", "invalidate --stale", "invalidate --dry-run", "invalidate",
            "count", "ttl --json",
        ):
            run = reader.run(f"ordercache {command}")
            assert (run.returncode, "warning" in run.stdout) == (0, False), (command, run.stdout)
    finally:
        store.execute("DROP OWNED BY shop; DROP ROLE shop")


class TestCheckingASetUp:
    recipe = examples("Checking a set-up")[0]

    def test_it_succeeds_where_both_can_be_reached(self, reader):
        run = reader.run(self.recipe)
        assert (run.returncode, run.stdout) == (0, f"{LAST_ORDER}\n0\n")

    @pytest.mark.parametrize("variable, scheme, status", [
        ("PG_SERVICE_URI", "postgresql", 3), ("REDIS_SERVICE_URI", "redis", 4),
    ])
    def test_its_status_tells_which_cannot(self, reader, variable, scheme, status):
        with refusing_port() as port:
            reader.environment[variable] = f"{scheme}://127.0.0.1:{port}"
            assert reader.run(self.recipe).returncode == status


class TestSmokeTest:
    recipe = examples("A smoke test in CI")[0]

    def test_it_adds_an_order_and_succeeds(self, reader, store):
        reader.run("ordercache count")
        assert reader.run(self.recipe).returncode == 0
        assert len(added(store)) == 1

    def test_it_fails_where_the_count_does_not_follow(self, reader):
        real = (reader.folder / "bin" / "ordercache").resolve()
        reader.stand_in("ordercache", f'[ "$1" = add ] || exec {real} "$@"')
        assert reader.run(self.recipe).returncode == 1


def test_the_check_in_ci_fails_where_the_cache_is_wrong(reader, cache):
    check, _ = examples("Whether the cache is true")
    reader.run("ordercache count")
    assert reader.run(check).returncode == 0
    cache.incr("num_orders:all")
    assert reader.run(check).returncode == 1


def test_the_nightly_cron_line_tells_of_what_was_wrong_alone(reader, environment_file, cache):
    path, line = examples("Whether the cache is true")[1].splitlines()
    schedule, command = line[:10], environment_file(line[11:])
    assert (path, schedule, "%" in command) == ("PATH=/usr/local/bin:/usr/bin:/bin", "30 3 * * *", False)
    cache.set("num_orders:all", LAST_ORDER)
    assert reader.run(command).stdout == ""
    cache.incr("num_orders:all")
    assert reader.run(command).stdout == "1\n"
    assert cache.keys() == []


def test_the_cron_line_counts_anew_and_is_silent(reader, environment_file, cache):
    path, line = examples("A cron line that keeps the total warm")[0].splitlines()
    schedule, command = line[:9], line[10:]
    assert (path, schedule, "%" in command) == ("PATH=/usr/local/bin:/usr/bin:/bin", "* * * * *", False)
    cache.set("num_orders:all", 1, ex=1)
    run = reader.run(environment_file(command))
    assert (run.returncode, run.stdout) == (0, "")
    assert cache.get("num_orders:all") == str(LAST_ORDER)
    assert cache.ttl("num_orders:all") > 100


def test_systemd_takes_the_units(reader):
    service, timer = examples("The same as a systemd timer")
    reader.write("ordercache-warm.service", service.replace("ExecStart=", f"ExecStart={reader.folder}/bin/"))
    reader.write("ordercache-warm.timer", timer)
    run = reader.run("systemd-analyze verify ./ordercache-warm.service ./ordercache-warm.timer")
    assert (run.returncode, run.stdout) == (0, "")


def test_systemd_takes_the_follower_s_unit(reader):
    unit = (ROOT / "src" / "package" / "ordercache-follow.service").read_text()
    assert "\nExecStart=ordercache " in unit
    reader.write("ordercache-follow.service", unit.replace("=ordercache ", f"={reader.folder}/bin/ordercache "))
    run = reader.run("systemd-analyze verify --man=no ./ordercache-follow.service")
    assert (run.returncode, run.stdout) == (0, "")


def test_the_service_unit_counts_anew(reader, environment_file, cache):
    [command] = re.findall("^ExecStart=(.*)$", examples("The same as a systemd timer")[0], re.MULTILINE)
    assert reader.run(environment_file(f"set -a; . /etc/ordercache/environment; {command}")).returncode == 0
    assert cache.get("num_orders:all") == str(LAST_ORDER)


def test_the_loop_prints_what_customers_from_prints(reader):
    loop, batch = examples("Many customers")
    reader.write("customers.txt", "9999\n5\n20000\n")
    assert reader.run(loop).stdout == reader.run(batch).stdout == "9999\t1\n5\t0\n20000\t0\n"


def test_the_tokens_are_renewed_and_used(reader, store, postgres, lone_redis):
    script, setting = (text.replace("/etc/ordercache/tokens", str(reader.folder)) for text in examples("A password that expires"))
    reader.stand_in("az", "case $* in *redis.azure.com*) echo t0ken ;; *oss-rdbms*) echo known ;; esac")
    lone_redis.client().config_set("requirepass", "t0ken")
    store.execute("GRANT SELECT ON orders TO stranger")
    reader.environment |= dict(line.split("=") for line in setting.splitlines())
    reader.environment["REDIS_SERVICE_URI"] = lone_redis.uri()
    reader.environment["PG_SERVICE_URI"] = f"postgresql://stranger@127.0.0.1:{postgres.port}/dellstore"
    assert reader.run(script).returncode == 0
    assert reader.run("ordercache count").stdout == f"{LAST_ORDER}\n"
    assert lone_redis.client(password="t0ken").get("num_orders:all") == str(LAST_ORDER)


def test_the_cron_job_s_command_counts_anew_as_the_first_process(reader, cache):
    [job] = examples("A container, and Kubernetes")
    command = " ".join(json.loads(re.search("command: (.*)", job)[1]))
    assert reader.run(" ".join(["unshare", *USER_TOO, "--pid", "--fork", command])).stdout == f"{LAST_ORDER}\n"
    assert cache.get("num_orders:all") == str(LAST_ORDER)


def test_the_alert_is_given_where_no_order_came(reader):
    [script] = examples("When the count stops growing")
    assert reader.run(script).stdout == ""
    assert reader.run(script).stdout == f"no new order since the last look: still {LAST_ORDER}\n"
    reader.run("ordercache add \"$@\"", *ORDER)
    assert reader.run(script).stdout == ""


def test_the_alert_remembers_nothing_where_the_count_failed(reader):
    [script] = examples("When the count stops growing")
    assert reader.run(f"unset PG_SERVICE_URI; {script}").returncode == 2
    assert not (reader.folder / ".ordercache-last").exists()


class TestMonitoring:
    metrics = examples("Metrics for Prometheus")[0]
    check = examples("A check for Nagios or systemd")[0]

    @pytest.fixture
    def metrics_of_now(self, reader):
        folder = reader.folder / "collected"
        folder.mkdir()

        def collect():
            run = reader.run(self.metrics.replace("/var/lib/prometheus/node-exporter", str(folder)))
            assert run.returncode == 0
            [file] = folder.iterdir()
            assert file.name == "ordercache.prom"
            return dict(line.split(" ") for line in file.read_text().splitlines())

        return collect

    @pytest.fixture
    def lose(self, program, reader, store, cache):
        """Follows until it is called, and then returns once the follower is missed."""
        install(program, store)
        follower = Follower(program, **reader.environment)
        servers.wait_until(lambda: cache.exists(ALIVE))

        def lose():
            follower.end()
            servers.wait_until(lambda: not cache.exists(ALIVE))

        return lose

    def test_the_state_is_told_as_written(self, reader, lose):
        reader.run("ordercache count")
        told = reader.run("ordercache ttl -v >/dev/null").stdout
        [written] = examples("MONITORING")
        assert re.sub(r"\d+", "N", told) == re.sub(r"\d+", "N", f"{written}\n")

    def test_the_metrics_are_numbers(self, reader, metrics_of_now):
        assert metrics_of_now() == {"ordercache_up": "1", "ordercache_adds_in_flight": "0", "ordercache_counting": "0"}
        reader.run("ordercache count")
        assert 110 < int(metrics_of_now()["ordercache_ttl"]) <= 120

    def test_the_metrics_tell_of_the_follower(self, lose, metrics_of_now):
        assert metrics_of_now()["ordercache_followed"] == "1"
        lose()
        metrics = metrics_of_now()
        assert metrics["ordercache_followed"] == "0" and float(metrics["ordercache_last_poll"]) > 1

    def test_a_redis_that_is_down_is_a_metric(self, reader, metrics_of_now):
        with refusing_port() as port:
            reader.environment["REDIS_SERVICE_URI"] = f"redis://127.0.0.1:{port}"
            assert metrics_of_now() == {"ordercache_up": "0"}

    def test_the_check_is_well_while_somebody_follows(self, reader, lose):
        run = reader.run(self.check)
        assert (run.returncode, run.stdout[:18]) == (0, 'OK: {"ttl":null,"f')
        lose()
        run = reader.run(self.check)
        assert (run.returncode, run.stdout[:31]) == (2, "CRITICAL: the follower is gone:")

    def test_the_check_warns_where_nobody_follows(self, reader):
        run = reader.run(self.check)
        assert (run.returncode, run.stdout[:24]) == (1, "WARNING: nobody follows:")

    def test_the_check_fails_with_redis_and_says_why(self, reader):
        with refusing_port() as port:
            reader.environment["REDIS_SERVICE_URI"] = f"redis://127.0.0.1:{port}"
            run = reader.run(self.check)
        assert run.returncode == 2
        assert run.stdout.startswith("CRITICAL: ordercache: error: cannot connect to Redis")


def test_jq_reads_the_json(reader):
    [script] = examples("JSON")
    reader.write("customers.txt", "5\n9999\n6\n10\n")
    assert reader.run(script).stdout == (
        f'{NEXT_ORDER}\n{{"customer":9999,"count":2}}\n{{"customer":6,"count":1}}\n{{"customer":5,"count":0}}\n'
    )


class TestReadingTheStatus:
    recipe = examples("Reading the exit status")[0]

    @pytest.fixture(autouse=True)
    def naps(self, reader):
        """How long the script slept, in seconds, but for waiting that long."""
        reader.stand_in("sleep", 'echo "nap of $1"')

    def test_an_order_is_added_once(self, reader, store):
        run = reader.run(self.recipe, *ORDER)
        assert (run.returncode, run.stdout) == (0, f"{NEXT_ORDER}\n")
        assert len(added(store)) == 1

    @pytest.mark.parametrize("variable, scheme, status", [
        ("PG_SERVICE_URI", "postgresql", 3), ("REDIS_SERVICE_URI", "redis", 4),
    ])
    def test_a_peer_that_is_down_is_tried_again(self, reader, store, variable, scheme, status):
        with refusing_port() as port:
            reader.environment[variable] = f"{scheme}://127.0.0.1:{port}"
            run = reader.run(self.recipe, *ORDER)
        assert run.returncode == status
        assert re.findall("nap of .*", run.stdout) == ["nap of 1", "nap of 5", "nap of 30"]
        assert run.stdout.count("error") == 4

    def test_a_rejected_order_is_not_tried_again(self, reader):
        run = reader.run(self.recipe, *an_order(customer=20001)[1:])
        assert (run.returncode, "nap" in run.stdout) == (1, False)

    def test_an_order_that_may_be_there_is_not_tried_again(self, reader, store):
        run = reader.run(f"exec >/dev/full; {self.recipe}", *ORDER)
        assert run.returncode == 5
        assert "look before you add it again" in run.stdout
        assert len(added(store)) == 1
