/*
 * A customer's count, by drop and lease, for Spin to explore in every interleaving: when may a cached
 * count be served, and when stored? One customer shows it: no other's lock, lease or value is looked
 * at, but for the lock of a batch.
 *
 * How to read it. Each statement that touches a global, each d_step and each atomic is one step of
 * Redis or PostgreSQL, named as the protocol and the program name it; between two steps anything
 * else may happen, for any time. A process that is never scheduled again is one that was killed, so
 * a death has a step only where it has an effect: the server rolls back, or another program takes
 * the place.
 *
 * What holds, asserted in every step that could break it:
 *   truth   whatever the cache holds is what the database holds (where others write too: once
 *           `invalidate` has returned, or the follower has dropped the count);
 *   answer  a count that a reader returns was the true count at some moment of its call (a count
 *           that a standby made claims nothing).
 *
 * tests/model/run gives the sizes: WRITERS, BATCHES, OUTSIDERS, READERS, STANDBYS. Every other
 * switch is a mutation: the part that it takes out, or puts in the wrong place, is needed if a
 * counter-example appears.
 */

#define NONE 255

/* Redis: the count, and the token of the one reader that may store it. */
byte value = NONE;
byte lease = NONE;

/* PostgreSQL: the visible count, and the set of transactions that hold each writers' lock: the
 * customer's, and (class, -1) for batches. */
byte count;
byte lock_holders;
byte batch_lock_holders;

/* Commits from outside the protocol that an `invalidate` has yet to announce. */
byte unannounced;

inline check_truth()
{
#ifdef TRUTH_UNCHECKED
    skip
#else
    assert(unannounced || value == NONE || value == count)
#endif
}

/* Counts only grow, and each answer was visible once: within these bounds, during the call. */
#define is_true_in_call(answer) (unannounced || (began <= answer && answer <= count))

/* ---- Writers ---- */

inline lock(holders) { holders = holders | (1 << _pid) }
inline unlock(holders) { holders = holders & ~(1 << _pid) }

inline delete_lease() { lease = NONE }
inline delete_value() { value = NONE }

#define unlock_all d_step { unlock(lock_holders); unlock(batch_lock_holders) }

/* The client fails or dies, the server undoes its transaction, another writer takes its place. */
#define or_rollback :: unlock_all; goto begin

inline drop()
{
#ifdef DROP_VALUE_FIRST
    if :: delete_value() or_rollback fi;
    if :: delete_lease() or_rollback fi
#else
    if :: delete_lease() or_rollback fi;
    if :: delete_value() or_rollback fi
#endif
}

inline commit(orders)
{
    if :: skip or_rollback fi; /* COMMIT is sent */
    /* From here the server acts alone, in its own time, whether its client lives or not. */
    if
    :: d_step { count = count + orders; check_truth() }
    or_rollback
    fi
}

#if defined(NO_DROP)
#define write(holders, orders) lock(holders); commit(orders); unlock_all
#elif defined(DROP_AFTER_COMMIT)
#define write(holders, orders) lock(holders); commit(orders); drop(); unlock_all
#elif defined(LOCK_AFTER_DROP)
#define write(holders, orders) drop(); lock(holders); commit(orders); unlock_all
#elif defined(UNLOCK_BEFORE_COMMIT)
#define write(holders, orders) lock(holders); drop(); unlock_all; commit(orders)
#else
#define write(holders, orders) lock(holders); drop(); commit(orders); unlock_all
#endif

proctype add()
{
begin:
    write(lock_holders, 1)
}

proctype add_batch()
{
begin:
    write(batch_lock_holders, 2)
}

/* SCAN gives keys in any order: in a single pass, a value may come before its lease. */
inline invalidate()
{
#ifdef INVALIDATE_IN_ONE_PASS
    delete_value();
    delete_lease()
#else
    delete_lease();
    delete_value()
#endif
}

/* A program that writes orders but knows no protocol, and someone who calls `invalidate` then, or the
 * follower that drops the customers of what it is told. */
proctype outsider()
{
    d_step { count++; unannounced++ }
    invalidate();
    d_step { unannounced--; check_truth() }
}

/* ---- Readers ---- */

#if defined(NO_PROBE)
#define must_not_store standby
#elif defined(PROBE_IGNORES_BATCH)
#define must_not_store (standby || lock_holders)
#elif defined(PROBE_IGNORES_STANDBY)
/* A standby does not show the primary's locks. */
#define must_not_store (!standby && (lock_holders || batch_lock_holders))
#else
#define must_not_store (standby || lock_holders || batch_lock_holders)
#endif

#if defined(NO_LEASE) || defined(FILL_WITHOUT_COMPARE)
#define may_fill true
#elif defined(FILL_UNDER_ANY_LEASE)
#define may_fill (lease != NONE)
#else
#define may_fill (lease == _pid)
#endif

#ifdef RENEW_WITHOUT_COMPARE
#define renew lease = _pid
#else
#define renew lease == _pid -> lease = _pid
#endif

/* The answer is given, or the reader is killed: the next call begins. */
#define end_call began = 0; snapshot = 0; goto call

/* While it works under a lease a reader renews it, or is killed and leaves it to its expiry. */
#define or_meanwhile :: atomic { renew } :: atomic { end_call }

#ifdef STANDBY_ANSWERS_COUNT
#define claims_nothing false
#else
#define claims_nothing standby
#endif

/* A standby lags: by one order serves as well as by many. */
inline select_count()
{
    snapshot = (standby && count > 0 -> count - 1 : count);
    assert(claims_nothing || is_true_in_call(snapshot))
}

inline probe()
{
    do
    :: atomic { must_not_store -> goto uncached }
    :: atomic { !must_not_store -> break }
    or_meanwhile
    od
}

inline take_snapshot()
{
    do
    :: atomic { select_count(); began = 0; break }
    or_meanwhile
    od
}

inline fill()
{
#ifdef FILL_IN_TWO_STEPS
    if :: atomic { may_fill -> skip } :: atomic { !may_fill -> end_call } fi;
    atomic { value = snapshot; lease = NONE; check_truth(); end_call }
#else
    do
    :: atomic { may_fill -> value = snapshot; lease = NONE; check_truth(); end_call }
    :: atomic { !may_fill -> end_call }
    or_meanwhile
    od
#endif
}

proctype reader(bool standby)
{
    byte began, snapshot;

call:
    if
    /* hit */
    :: atomic {
           value != NONE -> began = count; assert(is_true_in_call(value)); end_call
       }
    /* miss */
    :: atomic { value == NONE -> began = count; goto acquire }
    /* --refresh: whoever has the lease */
    :: atomic { began = count; lease = _pid; goto compute }
    fi;

acquire: /* SET lease NX and GET value: one pipeline, two steps */
#ifdef NO_LEASE
    goto compute;
#endif
    if
    :: atomic { lease == NONE -> lease = _pid }
    :: atomic { lease != NONE -> goto wait }
    fi;
    if
    :: atomic { value != NONE -> assert(is_true_in_call(value)); began = 0; goto release }
    :: atomic { value == NONE -> goto compute }
    fi;

wait: /* the same GET, after another reader's lease; then again, or never */
    if
    :: atomic { value != NONE -> assert(is_true_in_call(value)); end_call }
    :: atomic { value == NONE -> goto acquire }
    :: atomic { select_count(); end_call }
    fi;

compute:
#ifdef PROBE_AFTER_SNAPSHOT
    take_snapshot();
    probe();
#else
    probe();
    take_snapshot();
#endif
    fill();

uncached:
    do
    :: atomic { select_count(); snapshot = 0; began = 0; break }
    or_meanwhile
    od;

release:
    if
    :: atomic { lease == _pid -> lease = NONE; end_call }
    :: atomic { lease != _pid -> end_call }
    fi
}

/* Expiry and eviction: any key, at any moment, for nothing depends on a clock. */
active proctype redis_forgets()
{
    do
    :: delete_value()
    :: delete_lease()
#ifdef LOCK_IN_REDIS
    :: lock_holders = 0
#endif
    od
}

#define start(processes, program) \
    do :: n < processes -> run program; n++ :: else -> n = 0; break od

init
{
    byte n;
    atomic {
        start(WRITERS, add());
        start(BATCHES, add_batch());
        start(OUTSIDERS, outsider());
        start(READERS, reader(false));
        start(STANDBYS, reader(true))
    }
}
