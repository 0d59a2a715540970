"""The total's scripts in a real Redis, beside a PostgreSQL of a few lines: readers and writers whose steps come in any
order, who are killed at any of them, while keys vanish and clocks run out. A total that is cached is the true one at
every moment."""

import itertools
import random

import pytest

from keys import LEDGER, TOTAL as VALUE
from servers import TESTS

LUA = TESTS.parent / "src" / "redis" / "lua"
TIME_TO_LIVE = 120
SCHEDULES = 1000
LIFETIME = 2000
IN_FLIGHT, COMMITTED, ABORTED = "in flight", "committed", "aborted"


class Ledger:
    """The scripts, by name."""

    def __init__(self, client):
        self.client = client
        common = (LUA / "ledger.lua").read_text()
        self._scripts = {
            path.stem.removeprefix("ledger_"): common + path.read_text() for path in LUA.glob("ledger_*.lua")
        }

    def __getattr__(self, name):
        script = self._scripts[name]
        return lambda *arguments: self.client.eval(script, 2, VALUE, LEDGER, *arguments)

    def register(self, transaction, orders, order=""):
        self.__getattr__("register")(f"{transaction}:{order}", orders)

    def confirm(self, transaction, outcome, order=""):
        self.__getattr__("confirm")(f"{transaction}:{order}", outcome)

    def fill(self, token, count, seconds, snapshot, *holders, known=()):
        return self.__getattr__("fill")(token, count, seconds, snapshot, " ".join(["", *known, ""]), *holders)

    def total(self):
        value = self.client.get(VALUE)
        return None if value is None else int(value)

    def age(self, milliseconds):
        """Has all that the ledger remembers happened longer ago."""
        for field, text in self.client.hgetall(LEDGER).items():
            if field == "reader":
                token, renewed = text.split()
                self.client.hset(LEDGER, field, f"{token} {int(renewed) - milliseconds}")
            elif field.startswith("in_flight:"):
                begun, orders = text.split()
                self.client.hset(LEDGER, field, f"{int(begun) - milliseconds} {orders}")


class Store:
    """PostgreSQL's transactions, snapshots and locks."""

    def __init__(self):
        self.orders = 100
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
    accepted = "" if refresh else "anybody"
    while True:
        claim, *rest = ledger.acquire(token, accepted)
        if claim == "hit":
            return
        if claim == "ours":
            break
        for transaction in (int(writer.removesuffix(":")) for writer in rest[1:]):
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
        ledger.fill(token, count, TIME_TO_LIVE, snapshot, *holders, known=seen)


def give_up(ledger, store, token):
    if ledger.acquire(token, "")[0] == "ours":
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
    ledger.client.delete(VALUE, LEDGER)


def play(ledger, store, chance, actors):
    """Takes steps of the actors, in an order by chance, and has things happen between them."""
    accidents = [
        lambda: ledger.client.delete(VALUE),
        lambda: ledger.client.delete(LEDGER),
        lambda: ledger.age(LIFETIME + 1),
        lambda: ledger.age(150),
        lambda: invalidate(ledger),
        lambda: actors and actors.pop(chance.randrange(len(actors))),
    ]
    while actors:
        actor = chance.choice(actors)
        try:
            next(actor)
        except StopIteration:
            actors.remove(actor)
        if chance.random() < 0.06:
            chance.choice(accidents)()
        if (total := ledger.total()) is not None:
            assert total == store.orders or store.changes or not store.is_followed


def leave_a_wrong_total(ledger, actors, seed):
    """Whether actors who break a rule are found out."""
    chance, store = random.Random(seed), Store()
    ledger.client.delete(VALUE, LEDGER)
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
        ledger.client.delete(VALUE, LEDGER)
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
        ledger.client.delete(VALUE, LEDGER)
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
    ledger.acquire("reader", "anybody")
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
    ledger.acquire("reader", "anybody")
    ledger.register(900, 1)
    ledger.apply_external(901, -4, 899, 20)
    assert ledger.fill("reader", 100, TIME_TO_LIVE, "900:902:900,901", 900) == ["899:"]
    assert ledger.fill("reader", 100, TIME_TO_LIVE, "900:902:900,901", 900, known=["899:"]) == 1
    ledger.apply_external(902, -2)
    ledger.confirm(900, COMMITTED)
    assert ledger.total() == 100 - 4 - 2 + 1


def test_a_total_below_zero_between_two_transactions_of_others_comes_back(ledger):
    ledger.acquire("reader", "anybody")
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
    assert ledger.acquire("reader", "anybody") == ["ours"]
    ledger.fill("reader", 7, TIME_TO_LIVE, "900:900:")
    assert ledger.total() == 7


@pytest.mark.parametrize("field", [
    "reader", "base", "ends", "since", "filled_by", "asked", "in_flight:900", "in_flight:900:", "committed:900:1", "writer:900:1",
    "field",
])
def test_a_ledger_of_somebody_elses_is_void(ledger, field):
    for name, *arguments in [
        ("acquire", "reader", "anybody"), ("renew", "reader"), ("release", "reader"), ("register", 900, 1),
        ("confirm", 900, COMMITTED), ("fill", "reader", 9, TIME_TO_LIVE, "900:900:"), ("apply_external", 900, 1),
    ]:
        ledger.client.set(VALUE, 100, ex=TIME_TO_LIVE)
        ledger.client.hset(LEDGER, field, "somebody else's")
        getattr(ledger, name)(*arguments)
        ledger.client.delete(VALUE, LEDGER)
    ledger.client.hset(LEDGER, mapping={"base": "1", "since": "900:900:", field: "somebody else's"})
    assert ledger.acquire("reader", "refresh") == ["ours"]
    ledger.fill("reader", 7, TIME_TO_LIVE, "900:900:")
    assert ledger.total() == 7


@pytest.mark.parametrize("others", [[], [902]])
def test_a_count_that_seems_to_have_seen_a_writer_in_flight_goes(ledger, others):
    """It is from before a crash of PostgreSQL, and the writer's id was given away twice."""
    ledger.acquire("reader", "anybody")
    ledger.fill("reader", 100, TIME_TO_LIVE, "902:902:")
    for writer in [*others, 901]:
        ledger.register(writer, 1)
    for writer in [*others, 901]:
        ledger.confirm(writer, COMMITTED)
    assert ledger.total() is None
    assert ledger.acquire("reader", "anybody") == ["ours"]


def test_a_fill_asks_about_writers_that_its_snapshot_seems_to_have_seen(ledger):
    """Or it is from before a crash of PostgreSQL, and they got their ids after it."""
    ledger.acquire("reader", "anybody")
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
    assert ledger.acquire("first", "anybody") == ["wait", ""]
    ledger.age(150)
    assert ledger.acquire("first", "anybody") == ["wait", "", "900:A-1"]
    assert ledger.acquire("second", "anybody") == ["wait", ""]


def test_a_refresh_waits_for_who_counts_and_takes_a_later_ones_count(ledger):
    ledger.client.set(VALUE, 99, ex=TIME_TO_LIVE)
    assert ledger.acquire("early", "") == ["ours"]
    assert ledger.acquire("asks", "") == ["wait", "early"]
    ledger.fill("early", 100, TIME_TO_LIVE, "900:900:")
    assert ledger.acquire("late", "") == ["ours"]
    assert ledger.acquire("asks", "") == ["wait", "late"]
    ledger.fill("late", 101, TIME_TO_LIVE, "900:900:")
    assert ledger.acquire("asks", "late") == ["hit", "101"]


def test_a_writer_beside_a_refresh_leaves_it_the_right_to_count(ledger):
    ledger.client.set(VALUE, 99, ex=TIME_TO_LIVE)
    ledger.acquire("refresh", "")
    ledger.register(900, 1)
    ledger.confirm(900, COMMITTED)
    assert ledger.fill("refresh", 500, TIME_TO_LIVE, "900:901:900") == 1
    assert ledger.total() == 501


def test_the_ledger_leaves_nothing_that_stays(ledger):
    ledger.register(900, 1)
    assert 0 < ledger.client.pttl(LEDGER) <= LIFETIME
    ledger.acquire("reader", "anybody")
    ledger.fill("reader", 7, TIME_TO_LIVE, "900:901:900", 900)
    ledger.confirm(900, COMMITTED)
    assert abs(ledger.client.pexpiretime(LEDGER) - ledger.client.pexpiretime(VALUE)) <= 5
    assert set(ledger.client.hgetall(LEDGER)) == {"since", "filled_by"}
