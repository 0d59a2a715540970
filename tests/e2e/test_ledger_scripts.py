"""The total's scripts in a real Redis, beside a PostgreSQL of a few lines: readers and writers whose steps come in any
order, who are killed at any of them, while keys vanish and clocks run out. A total that is cached is the true one at
every moment."""

import contextlib
import itertools
import random

import pytest
import redis

from keys import ANSWER, COMMITTED_ORDERS, LEDGER, LUA, TOTAL as VALUE

KEYS = (VALUE, LEDGER, COMMITTED_ORDERS, ANSWER)
TIME_TO_LIVE = 120
SCHEDULES = 1000
LIFETIME = 2000
IN_FLIGHT, COMMITTED, ABORTED = "in flight", "committed", "aborted"


class Ledger:
    """The scripts, by name."""

    def __init__(self, client):
        self.client = client
        common = "".join((LUA / name).read_text() for name in ("common.lua", "ledger.lua"))
        self._scripts = {
            path.stem.removeprefix("ledger_"): common + path.read_text() for path in LUA.glob("ledger_*.lua")
        }

    def __getattr__(self, name):
        script = self._scripts[name]
        return lambda *arguments: self.client.eval(script, len(KEYS), *KEYS, *arguments)

    def acquire(self, token, purpose="read", earlier="", origin="primary"):
        [claim] = self.__getattr__("acquire")(token, purpose, origin, earlier)
        return claim

    def register(self, transaction, orders, order=""):
        self.__getattr__("register")(f"{transaction}:{order}", orders)

    def confirm(self, transaction, outcome, order=""):
        self.__getattr__("confirm")(f"{transaction}:{order}", outcome)

    def fill(self, token, count, seconds, snapshot, *holders, known=()):
        return self.__getattr__("fill")(token, count, seconds, snapshot, len(holders), *holders, *known)

    def total(self):
        value = self.client.get(VALUE)
        return None if value is None else int(value)

    def age(self, milliseconds):
        """Has all that the ledger remembers happened longer ago."""
        for field, text in self.client.hgetall(LEDGER).items():
            if field == "asked":
                self.client.hset(LEDGER, field, int(text) - milliseconds)
            elif field == "reader":
                token, renewed = text.split()
                self.client.hset(LEDGER, field, f"{token} {int(renewed) - milliseconds}")
            elif field.startswith("in_flight:"):
                begun, orders = text.split()
                self.client.hset(LEDGER, field, f"{int(begun) - milliseconds} {orders}")


class RefusedByChance(Ledger):
    """As the ledger, beside clients each of whom may not run one command: now and then one of them runs a script."""

    def __init__(self, client, poor, chance):
        super().__init__(client)
        self._poor, self._chance = poor, chance

    def __getattr__(self, name):
        client = self._chance.choice(self._poor) if self._chance.random() < 0.2 else self.client
        return lambda *arguments: client.eval(self._scripts[name], len(KEYS), *KEYS, *arguments)


class Store:
    """PostgreSQL's transactions, snapshots and locks."""

    def __init__(self):
        self.orders = 100
        self.totals = [self.orders]
        self.status = {}
        self.locked = set()
        self.changes = []
        self.is_followed = True
        self._ids = itertools.count(2**32 - 2)  # the locks show the lower half of an id

    def begin(self):
        transaction = next(self._ids)
        self.status[transaction] = IN_FLIGHT
        return transaction

    def end(self, transaction, status, orders):
        self.status[transaction] = status
        self.orders += orders if status == COMMITTED else 0
        self.totals.append(self.orders)

    def snapshot(self):
        running = sorted(id for id, status in self.status.items() if status == IN_FLIGHT)
        following = max(self.status, default=700) + 1
        return f"{min(running, default=following)}:{following}:{','.join(map(str, running))}"

    def holders(self):
        return [transaction % 2**32 for transaction in self.locked]


def write(ledger, store, orders, ends=COMMITTED, registers_late=False):
    """A writer, a step at a time. A `late` one is a mutation: it takes its lock last."""
    transaction = store.begin()
    yield
    if not registers_late:
        store.locked.add(transaction)
        yield
    ledger.register(transaction, orders)
    yield
    if registers_late:
        store.locked.add(transaction)
        yield
    store.end(transaction, ends, orders)
    yield
    store.locked.discard(transaction)
    yield
    ledger.confirm(transaction, ends)


def kill_sessions_of(store):
    """PostgreSQL ends the transactions of clients that are gone."""
    for transaction, status in store.status.items():
        if status == IN_FLIGHT:
            store.end(transaction, ABORTED, 0)
            store.locked.discard(transaction)


def read(ledger, store, token, refresh=False):
    asked, earlier = len(store.totals) - 1, ""
    while True:
        claim, *rest = ledger.acquire(token, "refresh" if refresh else "read", earlier)
        if claim in ("hit", "answer"):
            assert claim == "hit" or int(rest[0]) in store.totals[asked:]
            return
        if claim == "ours":
            break
        earlier = earlier or rest[1]
        for transaction in (int(writer.removesuffix(":")) for writer in rest[2:]):
            if store.status[transaction] != IN_FLIGHT:
                ledger.confirm(transaction, store.status[transaction])
        yield
    yield
    holders = store.holders()
    yield
    count, snapshot = store.orders, store.snapshot()
    yield
    ledger.renew(token)
    yield
    seen = ledger.fill(token, count, TIME_TO_LIVE, snapshot, *holders)
    if isinstance(seen, list):
        yield
        seen = ledger.fill(token, count, TIME_TO_LIVE, snapshot, *holders, known=seen)
    if not seen:
        yield
        ledger.release(token, count, "primary")


def give_up(ledger, store, token):
    if ledger.acquire(token, "refresh")[0] == "ours":
        yield
        ledger.release(token)


def write_outside(ledger, store, orders):
    """Who knows no cache: what it commits is noted down with it."""
    transaction = store.begin()
    yield
    store.end(transaction, COMMITTED, orders)
    store.changes.append((transaction, orders))


def start_following(ledger, store):
    store.is_followed = False
    store.changes.clear()
    yield
    invalidate(ledger)
    store.is_followed = True
    yield


def follow(ledger, store, chance, failing=0.2, drops_at_restart=True, rounds=4):
    """Polls may fail after Redis was changed; what they told is told again."""
    finished = False
    try:
        if not store.is_followed:
            yield from start_following(ledger, store)
        for _ in range(rounds):
            told = list(store.changes)
            yield
            if told:
                ledger.apply_external(*itertools.chain.from_iterable(told))
                yield
                if chance.random() < failing:
                    if drops_at_restart:
                        yield from start_following(ledger, store)
                    continue
            store.changes = [change for change in store.changes if change not in told]
            yield
        finished = True
    finally:
        store.is_followed = finished


def invalidate(ledger):
    ledger.client.delete(*KEYS)


def play(ledger, store, chance, actors):
    """Takes steps of the actors, in an order by chance, and has things happen between them."""
    accidents = [
        lambda: ledger.client.delete(VALUE),
        lambda: ledger.client.delete(LEDGER),
        lambda: ledger.client.delete(COMMITTED_ORDERS),
        lambda: ledger.age(LIFETIME + 1),
        lambda: ledger.age(150),
        lambda: ledger.age(-LIFETIME - 1),
        lambda: invalidate(ledger),
        lambda: actors and actors.pop(chance.randrange(len(actors))),
    ]
    while actors:
        actor = chance.choice(actors)
        try:
            next(actor)
        except (StopIteration, redis.ResponseError):
            actors.remove(actor)
        if chance.random() < 0.06:
            chance.choice(accidents)()
        if (total := ledger.total()) is not None:
            assert total == store.orders or store.changes or not store.is_followed


def leave_a_wrong_total(ledger, actors, seed):
    """Whether actors who break a rule are found out."""
    chance, store = random.Random(seed), Store()
    ledger.client.delete(*KEYS)
    try:
        play(ledger, store, chance, actors(store, chance))
    except AssertionError:
        return True
    return False


@pytest.fixture
def ledger(cache):
    return Ledger(cache)


def actors_by_chance(ledger, store, chance):
    actors = []
    for number in range(chance.randint(1, 3)):
        ends = chance.choice([COMMITTED, COMMITTED, ABORTED])
        actors.append(write(ledger, store, chance.choice([1, 7]), ends))
        if number < 2:
            actors.append(read(ledger, store, f"reader-{number}", refresh=chance.random() < 0.3))
    if chance.random() < 0.2:
        actors.append(give_up(ledger, store, "gives-up"))
    return actors


def test_a_cached_total_is_true_whatever_the_order_of_steps_and_whoever_is_killed(ledger):
    published = 0
    for seed in range(SCHEDULES):
        chance, store = random.Random(seed), Store()
        ledger.client.delete(*KEYS)
        if chance.random() < 0.5:
            ledger.client.set(VALUE, store.orders, ex=TIME_TO_LIVE)
        play(ledger, store, chance, actors_by_chance(ledger, store, chance))
        kill_sessions_of(store)
        ledger.age(150)
        play(ledger, store, random.Random(0), [read(ledger, store, "last")])
        published += ledger.total() is not None
    assert published > SCHEDULES / 2


def test_a_total_is_true_once_what_others_wrote_was_handled(ledger):
    published = 0
    for seed in range(SCHEDULES):
        chance, store = random.Random(seed), Store()
        ledger.client.delete(*KEYS)
        actors = actors_by_chance(ledger, store, chance)
        actors += [write_outside(ledger, store, chance.choice([1, 5, -1, -3])) for _ in range(chance.randint(1, 3))]
        actors += [read(ledger, store, f"late-reader-{number}") for number in range(2)]
        play(ledger, store, chance, [*actors, follow(ledger, store, chance)])
        for _ in follow(ledger, store, chance, failing=0):
            pass
        if ledger.total() is not None:
            assert ledger.total() == store.orders
            published += 1
    assert published > SCHEDULES / 4


def test_a_follower_that_goes_on_after_a_failed_poll_is_found_out(ledger):
    def actors(store, chance):
        return [
            read(ledger, store, "reader"), write_outside(ledger, store, 1),
            follow(ledger, store, chance, drops_at_restart=False),
        ]

    assert any(leave_a_wrong_total(ledger, actors, seed) for seed in range(SCHEDULES))


def test_what_others_wrote_is_added_unless_the_count_has_it(ledger):
    ledger.acquire("reader")
    ledger.fill("reader", 100, TIME_TO_LIVE, "900:902:900")
    ledger.apply_external(900, -3, 901, 50, 902, 7)
    assert ledger.total() == 104
    assert 0 < ledger.client.ttl(VALUE) <= TIME_TO_LIVE


def test_a_count_of_unknown_age_goes_when_others_have_written(ledger):
    ledger.client.set(VALUE, 100, ex=TIME_TO_LIVE)
    ledger.apply_external(900, 1)
    assert ledger.total() is None
    ledger.client.set(VALUE, 100, ex=TIME_TO_LIVE)
    ledger.register(901, 1)
    ledger.apply_external(900, 1)
    ledger.confirm(901, COMMITTED)
    assert ledger.total() is None


def test_what_others_wrote_is_added_beside_writers_and_to_the_count_that_is_under_way(ledger):
    ledger.acquire("reader")
    ledger.register(900, 1)
    ledger.apply_external(901, -4, 899, 20)
    assert ledger.fill("reader", 100, TIME_TO_LIVE, "900:902:900,901", 900) == ["899:"]
    assert ledger.fill("reader", 100, TIME_TO_LIVE, "900:902:900,901", 900, known=["899:"]) == 1
    ledger.apply_external(902, -2)
    ledger.confirm(900, COMMITTED)
    assert ledger.total() == 100 - 4 - 2 + 1


def test_a_total_below_zero_between_two_transactions_of_others_comes_back(ledger):
    ledger.acquire("reader")
    ledger.fill("reader", 0, TIME_TO_LIVE, "900:900:")
    ledger.apply_external(901, -2, 900, 3)
    assert ledger.total() == 1


def test_a_writer_that_locks_after_it_registers_is_found_out(ledger):
    def actors(store, _chance):
        return [write(ledger, store, 1, registers_late=True), read(ledger, store, "reader")]

    assert any(leave_a_wrong_total(ledger, actors, seed) for seed in range(20 * SCHEDULES))


def test_the_total_comes_back_with_the_writers_orders_and_keeps_its_end(ledger):
    ledger.client.set(VALUE, 100, px=50_000)
    ledger.register(900, 5)
    assert ledger.total() is None
    ledger.confirm(900, COMMITTED)
    assert ledger.total() == 105
    assert 49_000 < ledger.client.pttl(VALUE) <= 50_000


def test_the_total_comes_back_unchanged_after_a_rollback(ledger):
    ledger.client.set(VALUE, 100, px=50_000)
    ledger.register(900, 5)
    ledger.confirm(900, ABORTED)
    assert ledger.total() == 100
    assert ledger.client.exists(LEDGER) == 0


def test_a_total_that_never_expires_stays_so(ledger):
    ledger.client.set(VALUE, 100)
    ledger.register(900, 1)
    ledger.confirm(900, COMMITTED)
    assert ledger.total() == 101
    assert ledger.client.pttl(VALUE) == -1


@pytest.mark.parametrize("expiry", [None, TIME_TO_LIVE])
@pytest.mark.parametrize("hide", [
    lambda ledger: ledger.register(900, 1), lambda ledger: ledger.apply_external(900, 1),
], ids=["a writer", "others"])
def test_a_ledger_whose_value_is_out_of_sight_expires_by_itself(ledger, hide, expiry):
    ledger.client.set(VALUE, 100, ex=expiry)
    ledger.acquire("reader", "refresh")
    hide(ledger)
    assert ledger.total() is None
    assert 0 < ledger.client.pttl(LEDGER) <= LIFETIME


def test_totals_beyond_a_floats_precision_are_exact(ledger):
    ledger.client.set(VALUE, 2**53 + 1, ex=TIME_TO_LIVE)
    ledger.register(900, 1)
    ledger.confirm(900, COMMITTED)
    assert ledger.total() == 2**53 + 2


def test_what_is_no_count_is_taken_for_none(ledger):
    ledger.client.set(VALUE, "many")
    ledger.register(900, 1)
    ledger.confirm(900, COMMITTED)
    assert ledger.total() is None
    ledger.client.rpush(VALUE, 1)
    ledger.client.set(LEDGER, "somebody else's")
    assert ledger.acquire("reader") == ["ours"]
    ledger.fill("reader", 7, TIME_TO_LIVE, "900:900:")
    assert ledger.total() == 7


@pytest.mark.parametrize("field", [
    "reader", "base", "ends", "since", "filled_by", "asked", "in_flight:900", "in_flight:900:", "committed:900:1", "writer:900:1",
    "field",
])
def test_a_ledger_of_somebody_elses_is_void(ledger, field):
    for name, *arguments in [
        ("acquire", "reader"), ("renew", "reader"), ("release", "reader"), ("register", 900, 1),
        ("confirm", 900, COMMITTED), ("fill", "reader", 9, TIME_TO_LIVE, "900:900:"), ("apply_external", 900, 1),
    ]:
        ledger.client.set(VALUE, 100, ex=TIME_TO_LIVE)
        ledger.client.hset(LEDGER, field, "somebody else's")
        getattr(ledger, name)(*arguments)
        ledger.client.delete(*KEYS)
    ledger.client.hset(LEDGER, mapping={"base": "1", "since": "900:900:", field: "somebody else's"})
    assert ledger.acquire("reader", "refresh") == ["ours"]
    ledger.fill("reader", 7, TIME_TO_LIVE, "900:900:")
    assert ledger.total() == 7


@pytest.mark.parametrize("others", [[], [902]])
def test_a_count_that_seems_to_have_seen_a_writer_in_flight_goes(ledger, others):
    """It is from before a crash of PostgreSQL, and the writer's id was given away twice."""
    ledger.acquire("reader")
    ledger.fill("reader", 100, TIME_TO_LIVE, "902:902:")
    for writer in [*others, 901]:
        ledger.register(writer, 1)
    for writer in [*others, 901]:
        ledger.confirm(writer, COMMITTED)
    assert ledger.total() is None
    assert ledger.acquire("reader") == ["ours"]


def test_a_fill_asks_about_writers_that_its_snapshot_seems_to_have_seen(ledger):
    """Or it is from before a crash of PostgreSQL, and they got their ids after it."""
    ledger.acquire("reader")
    for writer in (900, 901, 902):
        ledger.register(writer, 1)
    ledger.confirm(901, COMMITTED)
    assert sorted(ledger.fill("reader", 100, TIME_TO_LIVE, "902:902:")) == ["900:", "901:"]
    assert ledger.fill("reader", 100, TIME_TO_LIVE, "902:902:", known=["900:"]) == ["901:"]
    assert ledger.fill("reader", 100, TIME_TO_LIVE, "902:902:", known=["900:", "901:"]) == 1
    for writer in (900, 902):
        ledger.confirm(writer, COMMITTED)
    assert ledger.total() == 101


def test_writers_of_whom_a_crash_gave_one_the_others_id_are_told_apart(ledger):
    ledger.client.set(VALUE, 100, ex=TIME_TO_LIVE)
    ledger.register(900, 1, order=12001)
    ledger.register(900, 5, order=12002)
    ledger.confirm(900, ABORTED, order=12001)
    assert ledger.total() is None
    ledger.confirm(900, COMMITTED, order=12002)
    assert ledger.total() == 105


def test_one_of_those_who_wait_is_told_of_a_silent_writer(ledger):
    ledger.client.set(VALUE, 100, ex=TIME_TO_LIVE)
    ledger.register(900, 1, order="A-1")
    assert ledger.acquire("first") == ["wait", "", " "]
    ledger.age(150)
    assert ledger.acquire("first") == ["wait", "", " ", "900:A-1"]
    assert ledger.acquire("second") == ["wait", "", " "]


def test_a_refresh_waits_for_a_reader_that_began_earlier_and_takes_a_later_ones_count(ledger):
    ledger.client.set(VALUE, 99, ex=TIME_TO_LIVE)
    assert ledger.acquire("early", "refresh") == ["ours"]
    assert ledger.acquire("asks", "refresh") == ["wait", "early", " early "]
    ledger.fill("early", 100, TIME_TO_LIVE, "900:900:")
    assert ledger.acquire("late", "refresh", " early ") == ["ours"]
    assert ledger.acquire("asks", "refresh", " early ") == ["wait", "late", " late early "]
    ledger.fill("late", 101, TIME_TO_LIVE, "900:900:")
    assert ledger.acquire("asks", "refresh", " early ") == ["hit", "101"]
    assert ledger.acquire("new", "refresh") == ["ours"]


@pytest.mark.parametrize("purpose", ["read", "refresh"])
def test_an_answer_is_for_those_who_asked_before_its_reader_began(ledger, purpose):
    ledger.acquire("early", purpose)
    assert ledger.acquire("asks", purpose) == ["wait", "early", " early "]
    ledger.release("early", 100, "primary")
    assert ledger.acquire("late", purpose, " early ") == ["ours"]
    assert ledger.acquire("new", purpose) == ["wait", "late", " late early "]
    ledger.release("late", 101, "primary")
    assert ledger.acquire("asks", purpose, " early ") == ["answer", "101"]
    assert ledger.acquire("new", purpose, " late early ") == ["ours"]
    assert 0 < ledger.client.pttl(ANSWER) <= 1000


def test_an_answer_from_another_server_is_not_taken(ledger):
    ledger.acquire("standbys")
    ledger.release("standbys", 100, "standby")
    assert ledger.acquire("reader", earlier=" early ", origin="standby") == ["answer", "100"]
    assert ledger.acquire("reader", earlier=" early ", origin="primary") == ["ours"]


def test_a_writer_beside_a_refresh_leaves_it_the_right_to_count(ledger):
    ledger.client.set(VALUE, 99, ex=TIME_TO_LIVE)
    ledger.acquire("refresh", "refresh")
    ledger.register(900, 1)
    ledger.confirm(900, COMMITTED)
    assert ledger.fill("refresh", 500, TIME_TO_LIVE, "900:901:900") == 1
    assert ledger.total() == 501


def test_the_ledger_leaves_nothing_that_stays(ledger):
    ledger.register(900, 1)
    assert 0 < ledger.client.pttl(LEDGER) <= LIFETIME
    ledger.acquire("reader")
    ledger.fill("reader", 7, TIME_TO_LIVE, "900:901:900", 900)
    ledger.confirm(900, COMMITTED)
    assert abs(ledger.client.pexpiretime(LEDGER) - ledger.client.pexpiretime(VALUE)) <= 5
    assert set(ledger.client.hgetall(LEDGER)) == {"since", "filled_by"}


@pytest.mark.parametrize("first", [2**53 - 2, 10**16 - 30, 2**63 - 100])
def test_transaction_ids_beyond_a_floats_precision_are_told_apart(ledger, first):
    for number in range(first, first + 60):
        ledger.client.delete(*KEYS)
        ledger.acquire("reader")
        for writer in (number - 1, number, number + 1):
            ledger.register(writer, 1)
        snapshot = f"{number}:{number + 1}:{number}"
        known = [f"{number - 1}:"]
        assert ledger.fill("reader", 100, TIME_TO_LIVE, snapshot, number % 2**32) == known
        assert ledger.fill("reader", 100, TIME_TO_LIVE, snapshot, (number + 2) % 2**32, known=known) == 0
        assert ledger.fill("reader", 100, TIME_TO_LIVE, snapshot, number % 2**32, known=known) == 1
        for writer in (number + 1, number, number - 1):
            ledger.confirm(writer, COMMITTED)
        assert ledger.total() == 102


@pytest.mark.parametrize("base", [0, 9, 10**15 - 1, 10**15, 2**53 + 1, 10**18 - 2])
def test_sums_are_exact(ledger, base):
    for orders in (0, 1, 999_999_999, 10**9, 2**31):
        ledger.client.set(VALUE, base)
        ledger.register(900, orders)
        ledger.confirm(900, COMMITTED)
        assert ledger.total() == base + orders


def told(first, number):
    return itertools.chain.from_iterable((transaction, 1) for transaction in range(first, first + number))


def test_what_is_kept_for_a_reader_has_a_bound(ledger):
    ledger.acquire("reader")
    for first in range(0, 10_000, 500):
        ledger.apply_external(*told(1000 + first, 500))
    assert ledger.client.hlen(COMMITTED_ORDERS) == 10_000
    assert 0 < ledger.client.pttl(COMMITTED_ORDERS) <= LIFETIME
    ledger.register(900, 1)
    ledger.confirm(900, COMMITTED)
    assert ledger.client.exists(COMMITTED_ORDERS) == 0
    ledger.apply_external(*told(20_000, 10))
    assert ledger.client.exists(COMMITTED_ORDERS) == 0
    assert ledger.fill("reader", 100, TIME_TO_LIVE, "900:900:") == 0
    assert ledger.acquire("waits") == ["wait", "reader", " reader "]
    ledger.release("reader", 100, "primary")
    assert ledger.acquire("waits") == ["ours"]
    ledger.fill("waits", 7, TIME_TO_LIVE, "900:900:")
    assert ledger.total() == 7


def test_transactions_that_are_told_twice_are_kept_once(ledger):
    ledger.acquire("reader")
    ledger.apply_external(900, 1, 901, 2)
    ledger.apply_external(901, 2, 902, 4)
    assert ledger.fill("reader", 100, TIME_TO_LIVE, "900:900:") == 1
    assert ledger.total() == 107


@pytest.mark.parametrize("vanishes", [lambda client: client.delete(COMMITTED_ORDERS), lambda client: client.hdel(LEDGER, "kept")])
def test_a_count_is_not_stored_where_what_was_kept_for_it_is_lost(ledger, vanishes):
    ledger.acquire("reader")
    ledger.apply_external(901, 1)
    vanishes(ledger.client)
    assert ledger.fill("reader", 100, TIME_TO_LIVE, "900:900:") == 0
    ledger.apply_external(902, 1)
    assert ledger.fill("reader", 100, TIME_TO_LIVE, "900:900:") == 0
    assert ledger.total() is None


@pytest.mark.parametrize("end", [
    lambda ledger: ledger.release("reader"), lambda ledger: ledger.fill("reader", 9, TIME_TO_LIVE, "900:900:"),
    lambda ledger: (ledger.age(LIFETIME + 1), ledger.renew("reader")),
], ids=["release", "fill", "lapse"])
def test_nothing_is_kept_for_a_reader_that_has_ended(ledger, end):
    ledger.client.set(VALUE, 100, ex=TIME_TO_LIVE)
    ledger.acquire("reader", "refresh")
    ledger.apply_external(901, 1)
    assert ledger.client.exists(COMMITTED_ORDERS)
    end(ledger)
    assert not ledger.client.exists(COMMITTED_ORDERS)
    assert "kept" not in ledger.client.hgetall(LEDGER)


@pytest.mark.parametrize("milliseconds", [LIFETIME + 100, -500, 3_600_000, -3_600_000])
def test_a_stamp_that_is_old_or_from_the_future_has_lapsed(ledger, milliseconds):
    """One from the future is from before a failover to a server whose clock is behind, by however little."""
    ledger.acquire("reader")
    ledger.age(milliseconds)
    assert ledger.acquire("next") == ["ours"]
    ledger.client.delete(*KEYS)
    ledger.client.set(VALUE, 100, ex=TIME_TO_LIVE)
    ledger.register(900, 1)
    ledger.age(milliseconds)
    assert ledger.acquire("reader") == ["ours"]
    ledger.client.delete(*KEYS)
    ledger.client.set(VALUE, 100, ex=TIME_TO_LIVE)
    ledger.register(900, 1)
    ledger.client.hset(LEDGER, "asked", int(ledger.client.time()[0]) * 1000 + milliseconds)
    ledger.client.hset(LEDGER, "in_flight:900:", f"{int(ledger.client.time()[0]) * 1000 - 500} 1")
    assert ledger.acquire("reader") == ["wait", "", " ", "900:"]


COMMANDS = ["del", "get", "hdel", "hget", "hgetall", "hset", "hincrby", "incrby", "pexpire", "pttl", "set", "time"]


@pytest.fixture
def poor(lone_redis):
    """For each command a client that may run all others."""
    admin, clients = lone_redis.client(), {}
    for command in COMMANDS:
        user = f"without-{command}"
        admin.acl_setuser(user, enabled=True, nopass=True, keys=["*"], commands=["+@all", f"-{command}"])
        clients[command] = lone_redis.client(user=user, password="any")
    yield clients
    for client in clients.values():
        client.close()
    admin.acl_deluser(*(f"without-{command}" for command in COMMANDS))


def states(ledger):
    """Ways for a ledger to be, each left by scripts that ended well."""
    yield lambda: None
    yield lambda: ledger.client.set(VALUE, 100, ex=TIME_TO_LIVE)
    yield lambda: (ledger.acquire("reader"), ledger.apply_external(901, 1))
    yield lambda: (ledger.acquire("reader"), ledger.register(900, 1))
    yield lambda: (ledger.acquire("reader"), ledger.fill("reader", 100, TIME_TO_LIVE, "900:900:"))
    yield lambda: (ledger.client.set(VALUE, 100, ex=TIME_TO_LIVE), ledger.register(900, 1))
    yield lambda: (ledger.client.set(VALUE, 100, ex=TIME_TO_LIVE), ledger.register(900, 1), ledger.register(901, 1))
    yield lambda: (ledger.acquire("reader"), ledger.age(LIFETIME + 1))


STEPS = [
    ("acquire", "next"), ("acquire", "next", "refresh"), ("renew", "reader"), ("release", "reader", 100, "primary"),
    ("register", 902, 1), ("confirm", 900, COMMITTED), ("fill", "reader", 100, TIME_TO_LIVE, "900:900:"),
    ("apply_external", 903, 1),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_script_that_is_refused_midway_leaves_nothing_without_an_expiry(lone_redis, poor, command):
    ledger, refused = Ledger(lone_redis.client()), Ledger(poor[command])
    for state, (name, *arguments) in itertools.product(states(ledger), STEPS):
        ledger.client.delete(*KEYS)
        state()
        with contextlib.suppress(redis.ResponseError):
            getattr(refused, name)(*arguments)
        left = {key: ledger.client.pttl(key) for key in KEYS}
        assert -1 not in left.values(), (name, arguments, left)
        ledger.age(LIFETIME + 1)
        assert ledger.acquire("reader-again")[0] != "wait", (name, arguments, ledger.client.hgetall(LEDGER))


@pytest.mark.parametrize("command", ["hdel", "hset", "pexpire"])
def test_a_confirm_that_is_refused_midway_and_said_again_adds_the_orders_once(lone_redis, poor, command):
    """The first time it keeps them for the reader that counts, the second time a base is known."""
    ledger = Ledger(lone_redis.client())
    ledger.client.delete(*KEYS)
    ledger.acquire("reader")
    ledger.register(900, 1)
    with contextlib.suppress(redis.ResponseError):
        Ledger(poor[command]).confirm(900, COMMITTED)
    ledger.fill("reader", 100, TIME_TO_LIVE, "900:900:")
    ledger.confirm(900, COMMITTED)
    assert ledger.total() in (None, 101)


def test_a_cached_total_is_true_though_scripts_are_refused_midway(lone_redis, poor):
    for seed in range(SCHEDULES):
        chance, store = random.Random(seed), Store()
        ledger = RefusedByChance(lone_redis.client(), [*poor.values()], chance)
        ledger.client.delete(*KEYS)
        if chance.random() < 0.5:
            ledger.client.set(VALUE, store.orders, ex=TIME_TO_LIVE)
        play(ledger, store, chance, actors_by_chance(ledger, store, chance))
