/*
 * The total's ledger, for Spin to explore in every interleaving: a writer takes the total out of
 * sight while it is in flight, and brings it back, with its orders added, once its commit is
 * visible. And `invalidate --follow`, which does the same for orders that others write.
 *
 * How to read it. Each statement that touches a global, each d_step and each atomic is one step of
 * Redis or PostgreSQL, named as the protocol and the program name it; between two steps anything
 * else may happen, for any time. A process that is never scheduled again is one that was killed or
 * that hangs, so a death has a step only where it has an effect: the server rolls back, or another
 * program takes the place.
 *
 * What holds, asserted in every step that could break it:
 *   truth   a total that the cache shows is what the database holds (where others write too: once
 *           `invalidate` has returned, or the follower has handled their changes).
 *
 * tests/model/run gives the sizes: WRITERS, TRIGGERS, OUTSIDERS, RECORDED, UNRECORDED, FOLLOWERS,
 * READERS and CRASHES; of at most five transactions in all. Every other switch is a mutation: the part that
 * it takes out, or puts in the wrong place, is needed if a counter-example appears.
 */

#define NONE 255

/* A set of transactions has a bit for each, and `transaction` is a set of one. Each adds a number
 * of orders of its own, so that two errors never cancel. */
#define bit(set, i) (((set) >> i) & 1)
#define orders_of(set) \
    (bit(set, 0) + 3 * bit(set, 1) + 9 * bit(set, 2) + 27 * bit(set, 3) + 81 * bit(set, 4))
#define first_of(set) ((set) & -(set))

/* Two transactions with the same id: a crash undid one before that was written to disk, and gave
 * it to the other. And a set as snapshots and locks show it, which know ids alone. */
byte twins;
#define by_id(set) ((set) | (((set) & twins) -> twins : 0))

/* PostgreSQL: the transactions that hold a writer's lock, that are committed and visible, and that
 * ended, be it in a rollback. */
byte locks;
byte visible;
byte ended;
bool crashed;

/* Redis: the total, */
byte value = NONE;

/* and its ledger: the token of the reader that may fill it; a count that is known while writers are
 * in flight; the snapshot in which that, or the value, was counted; and an entry a writer, which is
 * in flight, committed or rolled back. */
byte reader = NONE;
byte base = NONE;
byte since = NONE;
byte in_flight;
byte committed;
byte rolled_back;

/* Commits of others that no `invalidate` and no follower has handled, and those among them that no
 * row trigger recorded. */
byte unhandled;
byte unrecorded;

inline check_truth()
{
    assert(unhandled || value == NONE || value == orders_of(visible))
}

/* ---- The scripts, each a step of Redis ---- */

inline delete_all_but_since()
{
    reader = NONE;
    base = NONE;
    in_flight = 0;
    committed = 0;
    rolled_back = 0
}

inline delete_ledger() { delete_all_but_since(); since = NONE }

inline publish()
{
    value = base;
    delete_all_but_since();
    check_truth()
}

/* Nobody counts, nothing is known; but what goes with a value stays. */
inline delete_if_idle()
{
    if
    :: !in_flight && reader == NONE && base == NONE && value == NONE -> delete_ledger()
    :: else
    fi
}

#ifdef CONFIRM_WITHOUT_SNAPSHOT
#define base_has_seen(transaction) false
#else
#define base_has_seen(transaction) (since != NONE && (by_id(since) & transaction))
#endif

/* A writer, before its COMMIT. Where a reader refreshes the value, that one brings a better base. */
inline register(transaction)
{
#ifndef REGISTER_WITHOUT_SNAPSHOT
    if
    :: base_has_seen(transaction) -> drop()
    :: else
    fi;
#endif
    if
    :: value != NONE && reader == NONE -> base = value
    :: else
    fi;
#ifndef VALUE_STAYS
    value = NONE;
#endif
    in_flight = in_flight | transaction
}

/* An entry is named by the number of an order, too. */
#ifdef CONFIRM_BY_ID
#define named(transaction) by_id(transaction)
#else
#define named(transaction) (transaction)
#endif

/* The outcome is the transaction, or the empty set where it was rolled back. */
inline confirm(entry, outcome)
{
    if
    :: in_flight & named(entry) ->
           in_flight = in_flight & ~named(entry);
           if
           :: base != NONE && !base_has_seen(entry) -> base = base + orders_of(outcome)
           :: base == NONE && reader != NONE ->
                  committed = committed | (outcome);
                  rolled_back = rolled_back | (entry & ~(outcome))
           :: else
           fi;
           if
           :: base != NONE && !in_flight -> publish()
           :: else -> delete_if_idle()
           fi
    :: else
    fi
}

#define may_acquire (value == NONE && base == NONE && reader == NONE)

inline refresh()
{
#ifndef REFRESH_KEEPS_BASE
    base = NONE;
#endif
    reader = _pid
}

inline release()
{
    if
    :: reader == _pid -> reader = NONE; delete_if_idle()
    :: else
    fi
}

#ifdef FILL_WITHOUT_TOKEN
#define is_mine true
#else
#define is_mine (reader == _pid)
#endif

#ifdef FILL_WITHOUT_HOLDERS
#define all_have_entries true
#else
#define all_have_entries ((holders & ~by_id(in_flight | committed | rolled_back)) == 0)
#endif

#if defined(FILL_WITHOUT_COMMITTED)
#define committed_since 0
#elif defined(FILL_WITHOUT_SNAPSHOT)
#define committed_since committed
#else
#define committed_since (committed & ~by_id(snapshot))
#endif

inline fill()
{
    if
    :: is_mine && all_have_entries ->
           base = counted + orders_of(committed_since);
           since = snapshot;
           reader = NONE;
           committed = 0;
           rolled_back = 0;
           if
           :: !in_flight -> publish()
           :: else
           fi
    :: else -> release()
    fi
}

#ifdef HEAR_ALWAYS_ADDS
#define is_lost(snapshot) false
#define is_news(transaction) true
#else
#ifdef HEAR_WITHOUT_SINCE
#define is_lost(snapshot) false
#else
#define is_lost(snapshot) (snapshot == NONE)
#endif
#define is_news(transaction) (since == NONE || !(since & transaction))
#endif

/* The follower, of a transaction that is not ordercache's. */
inline hear(transaction)
{
    if
    :: value != NONE && is_lost(since) -> value = NONE
    :: value != NONE && !is_lost(since) && is_news(transaction) ->
           value = value + orders_of(transaction)
    :: base != NONE && is_lost(since) -> delete_ledger()
    :: base != NONE && !is_lost(since) && is_news(transaction) ->
           base = base + orders_of(transaction)
    :: else
    fi;
#ifndef HEAR_WITHOUT_READER
    if
    :: reader != NONE -> committed = committed | transaction
    :: else
    fi;
#endif
    check_truth()
}

inline drop() { value = NONE; delete_ledger() }

/* ---- Writers ---- */

/* Who began before the crash is undone by it. */
inline lock(transaction) { locks = locks | transaction; is_later = crashed }

/* PostgreSQL lets go of the lock when the end is visible. One step serves as well as two: a lock that
 * is seen for longer only keeps a reader from storing. */
inline end(transaction) { locks = locks & ~transaction; ended = ended | transaction }

inline commit(transaction) { visible = visible | transaction; end(transaction); check_truth() }

/* COMMIT is sent: the server acts alone, in its own time, whether its client lives or not. No outcome
 * is one that nobody is told. */
inline commit_or_rollback(transaction)
{
    if
    :: d_step { is_later == crashed -> commit(transaction); outcome = transaction }
    :: d_step { is_later == crashed -> end(transaction); outcome = 0 }
    :: is_later != crashed
    fi
}

/* The writer, whose connection broke, and whose order is not there: its id may be another's. */
inline end_unanswered(transaction)
{
#ifdef UNANSWERED_CONFIRMS
    confirm(transaction, 0)
#else
    drop()
#endif
}

/* A reader that waits asks what became of the id, and whether the order is there. */
#ifdef SETTLE_BY_ID
#define is_there(transaction) (by_id(transaction) & visible)
#else
#define is_there(transaction) (transaction & visible)
#endif
#define is_aborted(transaction) (by_id(transaction) & ended & ~visible)

/* Writers are alike: to number them in the order of their locks saves states. */
#define is_next(transaction) \
    (crashed || ((locks | ended) & (transaction - 1)) == transaction - 1)

proctype add(byte transaction)
{
    bool is_later;
    byte outcome = NONE;

#ifdef LOCK_AFTER_REGISTER
    atomic { register(transaction) };
    d_step { lock(transaction) };
#else
    d_step { is_next(transaction) -> lock(transaction) };
    if
    :: atomic { register(transaction) }
    /* The server rolls back, and the client, which has yet to hear of it, is not killed. */
    :: d_step { is_later == crashed -> end(transaction) };
       atomic { register(transaction) };
       goto settle
    fi;
#endif
#if defined(CONFIRM_BEFORE_COMMIT)
    d_step { confirm(transaction, transaction) };
#elif defined(SETTLE_IN_PROGRESS)
    if :: d_step { confirm(transaction, 0) } :: skip fi;
#endif
    commit_or_rollback(transaction);
#ifdef REGISTER_AGAIN
    atomic { register(transaction) };
#endif

settle: /* by the writer, by readers that wait, or by nobody */
    do
    :: atomic { outcome != NONE -> confirm(transaction, outcome) }
    :: atomic { outcome == NONE -> end_unanswered(transaction) }
    :: atomic { is_there(transaction) -> confirm(transaction, transaction) }
    :: atomic { is_aborted(transaction) -> confirm(transaction, 0) }
    od
}

/* A writer beside triggers of the user's, which may change other counts than it knows. */
proctype add_beside_triggers(byte transaction)
{
    bool is_later;
    byte outcome = NONE;

    d_step { lock(transaction) };
#ifndef TRIGGERS_WITHOUT_DROP
    d_step { drop() };
#endif
    commit_or_rollback(transaction)
}

/* A program that writes orders and knows no protocol, and someone who calls `invalidate` then. */
proctype outsider(byte transaction)
{
    d_step { visible = visible | transaction; unhandled = unhandled | transaction };
#if defined(INVALIDATE_VALUE_FIRST)
    value = NONE;
    d_step { delete_ledger() };
#elif defined(INVALIDATE_LEDGER_FIRST)
    d_step { delete_ledger() };
    value = NONE;
#else
    d_step { drop() };
#endif
    d_step { unhandled = unhandled & ~transaction; check_truth() }
}

/* ---- Orders that others write, and `invalidate --follow` ---- */

proctype recorded_change(byte transaction)
{
    d_step { visible = visible | transaction; unhandled = unhandled | transaction }
}

/* What only the fingerprint of `orders` tells: TRUNCATE, ATTACH, a trigger that was off. */
proctype unrecorded_change(byte transaction)
{
    d_step {
        visible = visible | transaction;
        unhandled = unhandled | transaction;
        unrecorded = unrecorded | transaction
    }
}

/* The follower that holds the advisory lock. */
byte leader = NONE;

/* The lock is lost with the connection, and then the poll's transaction is undone: the follower
 * hears of it after any further steps of its own. */
#define or_fails :: atomic { leader != _pid -> changes = 0; goto start }

proctype follower()
{
    byte changes, rest;

start:
    atomic { leader == NONE -> leader = _pid; rest = 0 };
#ifndef RESTART_WITHOUT_DROP
    d_step { drop() };
#endif

poll: /* DELETE ... RETURNING, and the fingerprint in the same snapshot */
    if
    :: atomic { leader == _pid && unhandled -> changes = unhandled; rest = changes & ~unrecorded }
    or_fails
    fi;
#ifndef FINGERPRINT_IGNORED
    if
    :: d_step { changes & unrecorded -> drop() }
    :: d_step { (changes & unrecorded) == 0 }
    or_fails
    fi;
#endif
    do
    :: atomic { rest -> hear(first_of(rest)); rest = rest & ~first_of(rest) }
    :: atomic {
           !rest && leader == _pid ->
               unhandled = unhandled & ~changes; changes = 0; check_truth(); goto poll
       }
    or_fails
    od
}

/* ---- Readers ---- */

/* Killed: it leaves its token to its expiry, and the next call begins. */
#define or_dies :: atomic { forget(); goto call }

inline forget() { holders = 0; snapshot = 0; counted = 0; is_later = 0; checked = 0 }

/* A snapshot has seen what was rolled back, too: that matters only where its id comes again. */
#if CRASHES
#define seen ended
#else
#define seen visible
#endif

/* Entries that the snapshot has seen. Or they are from after a crash, and it is from before. */
#if !CRASHES || defined(FILL_WITHOUT_CHECK)
#define doubtful 0
#else
#define doubtful ((in_flight | committed) & by_id(snapshot) & ~checked)
#endif


inline probe() { if :: holders = locks or_dies fi }
inline select_count()
{
    if
    :: d_step { snapshot = seen; counted = orders_of(visible); is_later = crashed }
    or_dies
    fi
}

proctype count()
{
    byte holders, snapshot, counted, checked;
    bool is_later;

call:
    if
    :: atomic { may_acquire -> reader = _pid }
    :: d_step { refresh() }
    fi;
#ifdef PROBE_AFTER_SNAPSHOT
    select_count();
    probe();
#else
    probe();
    select_count();
#endif
filling:
    if
    :: atomic { !doubtful -> fill(); forget(); goto call }
    :: atomic { doubtful -> checked = checked | doubtful };
       if /* PostgreSQL has not crashed since the count, and so not before these entries were made */
       :: atomic { is_later == crashed -> goto filling }
       :: atomic { is_later != crashed -> release(); forget(); goto call }
       or_dies
       fi
    or_dies
    fi
}

/* At any moment, for nothing depends on a clock: the value or the ledger expires or is evicted, the
 * ledger is void since a COMMIT hangs, a reader did not renew its token, a connection breaks. */
active proctype lose()
{
    do
    :: value = NONE
    :: d_step { delete_ledger() }
    :: reader = NONE
    :: leader = NONE
    od
}

/* PostgreSQL crashes, and undoes what is in flight. The next writer gets the id of one of these
 * transactions, or of one that was rolled back before. */
proctype crash(byte transaction)
{
    byte lost;

    atomic {
        (locks | ended) & ~visible -> lost = (locks | ended) & ~visible;
        if
        :: twins = first_of(lost)
        :: lost != first_of(lost) -> twins = lost & ~first_of(lost); twins = first_of(twins)
        fi;
        twins = twins | transaction;
        crashed = true;
        locks = 0;
        ended = visible;
        lost = 0;
        run add(transaction)
    }
}

#define start(processes, program) \
    do :: n < processes -> run program; n++ :: else -> n = 0; break od

#define start_writing(processes, program) \
    start(processes, program(transaction); transaction = transaction << 1)

init
{
    byte n, transaction = 1;
    atomic {
        start_writing(WRITERS, add);
        start_writing(TRIGGERS, add_beside_triggers);
        start_writing(OUTSIDERS, outsider);
        start_writing(RECORDED, recorded_change);
        start_writing(UNRECORDED, unrecorded_change);
        start_writing(CRASHES, crash);
        start(FOLLOWERS, follower());
        start(READERS, count());
        transaction = 0
    }
}
