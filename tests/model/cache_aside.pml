/*
 * The cache-aside protocol, for Spin to explore in every interleaving: when may a cached count be
 * served, and when stored?
 *
 * How to read it. Each statement that touches a global, each d_step and each atomic is one step of
 * Redis or PostgreSQL, named as the protocol and the program name it; between two steps anything
 * else may happen, for any time. A process that is never scheduled again is one that was killed, so
 * a death has a step only where it has an effect: the server rolls back, or another program takes
 * the place.
 *
 * What holds, asserted in every step that could break it:
 *   truth   whatever the cache holds is what the database holds (where others write too: once
 *           `invalidate` has returned);
 *   answer  a count that a reader returns was the true count at some moment of its call (a count
 *           that a standby made claims nothing).
 *
 * tests/model/run gives the sizes: WRITERS, BATCHES, OUTSIDERS, READERS, STANDBYS. Every other
 * switch is a mutation: the part that it takes out, or puts in the wrong place, is needed if a
 * counter-example appears.
 */

#define TOTAL 0
#define CUSTOMER 1
#define KEYS 2
#define BATCH 2
#define NONE 255

#define each_key(step) step(TOTAL); step(CUSTOMER)

/* Redis: the counts, and for each the token of the one reader that may store it. */
byte value[KEYS] = NONE;
byte lease[KEYS] = NONE;

/* PostgreSQL: the visible counts, and the set of transactions that hold each writers' lock: one a
 * key, and (class, -1) for batches. */
byte count[KEYS];
byte locks[KEYS + 1];

/* Commits from outside the protocol that an `invalidate` has yet to announce. */
byte unannounced;

inline check_truth(k)
{
#ifdef TRUTH_UNCHECKED
    skip
#else
    assert(unannounced || value[k] == NONE || value[k] == count[k])
#endif
}

/* Counts only grow, and each answer was visible once: within these bounds, during the call. */
#define is_true_in_call(answer) \
    (unannounced || (began <= answer && answer <= count[key]))

/* ---- Writers ---- */

inline lock(k) { locks[k] = locks[k] | (1 << _pid) }
inline unlock(k) { locks[k] = locks[k] & ~(1 << _pid) }

inline delete_lease(k) { lease[k] = NONE }
inline delete_value(k) { value[k] = NONE }

#define unlock_all d_step { each_key(unlock); unlock(BATCH) }

/* The client fails or dies, the server undoes its transaction, another writer takes its place. */
#define or_rollback :: unlock_all; goto begin

inline drop(k)
{
#ifdef DROP_VALUE_FIRST
    if :: delete_value(k) or_rollback fi;
    if :: delete_lease(k) or_rollback fi
#else
    if :: delete_lease(k) or_rollback fi;
    if :: delete_value(k) or_rollback fi
#endif
}

inline commit(customers_orders, others_orders)
{
    if :: skip or_rollback fi; /* COMMIT is sent */
    /* From here the server acts alone, in its own time, whether its client lives or not. */
    if
    :: d_step {
           count[TOTAL] = count[TOTAL] + customers_orders + others_orders;
           count[CUSTOMER] = count[CUSTOMER] + customers_orders;
           each_key(check_truth)
       }
    or_rollback
    fi
}

#ifdef DROP_TOTAL_ONLY
#define drop_all drop(TOTAL)
#else
#define drop_all each_key(drop)
#endif

#if defined(NO_DROP)
#define write(lock_step, customers, others) \
    lock_step; commit(customers, others); unlock_all
#elif defined(DROP_AFTER_COMMIT)
#define write(lock_step, customers, others) \
    lock_step; commit(customers, others); drop_all; unlock_all
#elif defined(LOCK_AFTER_DROP)
#define write(lock_step, customers, others) \
    drop_all; lock_step; commit(customers, others); unlock_all
#elif defined(UNLOCK_BEFORE_COMMIT)
#define write(lock_step, customers, others) \
    lock_step; drop_all; unlock_all; commit(customers, others)
#else
#define write(lock_step, customers, others) \
    lock_step; drop_all; commit(customers, others); unlock_all
#endif

#ifdef LOCK_TOTAL_ONLY
#define lock_keys lock(TOTAL)
#else
#define lock_keys atomic { each_key(lock) }
#endif

proctype add()
{
begin:
    write(lock_keys, 1, 0)
}

proctype add_batch()
{
begin:
    write(lock(BATCH), 1, 1)
}

/* SCAN gives keys in any order: in a single pass, a value may come before its lease. */
inline invalidate()
{
#ifdef INVALIDATE_IN_ONE_PASS
    each_key(delete_value);
    each_key(delete_lease)
#else
    each_key(delete_lease);
    each_key(delete_value)
#endif
}

/* A program that writes orders but knows no protocol, and someone who calls `invalidate` then. */
proctype outsider()
{
    d_step {
        count[TOTAL]++;
        count[CUSTOMER]++;
        unannounced++
    }
    invalidate();
    d_step { unannounced--; each_key(check_truth) }
}

/* ---- Readers ---- */

#if defined(NO_PROBE)
#define must_not_store standby
#elif defined(PROBE_IGNORES_BATCH)
#define must_not_store (standby || locks[key])
#elif defined(PROBE_IGNORES_STANDBY)
/* A standby does not show the primary's locks. */
#define must_not_store (!standby && (locks[key] || locks[BATCH]))
#else
#define must_not_store (standby || locks[key] || locks[BATCH])
#endif

#if defined(NO_LEASE) || defined(FILL_WITHOUT_COMPARE)
#define may_fill true
#elif defined(FILL_UNDER_ANY_LEASE)
#define may_fill (lease[key] != NONE)
#else
#define may_fill (lease[key] == _pid)
#endif

#ifdef RENEW_WITHOUT_COMPARE
#define renew lease[key] = _pid
#else
#define renew lease[key] == _pid -> lease[key] = _pid
#endif

/* The answer is given, or the reader is killed: the next call begins. */
#define end_call key = TOTAL; began = 0; snapshot = 0; goto call

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
    snapshot = (standby && count[key] > 0 -> count[key] - 1 : count[key]);
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
    atomic { value[key] = snapshot; lease[key] = NONE; check_truth(key); end_call }
#else
    do
    :: atomic { may_fill -> value[key] = snapshot; lease[key] = NONE; check_truth(key); end_call }
    :: atomic { !may_fill -> end_call }
    or_meanwhile
    od
#endif
}

proctype reader(bool standby)
{
    byte key, began, snapshot;

call:
    if
    :: key = TOTAL
    :: key = CUSTOMER
    fi;
    if
    /* hit */
    :: atomic {
           value[key] != NONE -> began = count[key]; assert(is_true_in_call(value[key])); end_call
       }
    /* miss */
    :: atomic { value[key] == NONE -> began = count[key]; goto acquire }
    /* --refresh: whoever has the lease */
    :: atomic { began = count[key]; lease[key] = _pid; goto compute }
    fi;

acquire: /* SET lease NX and GET value: one pipeline, two steps */
#ifdef NO_LEASE
    goto compute;
#endif
    if
    :: atomic { lease[key] == NONE -> lease[key] = _pid }
    :: atomic { lease[key] != NONE -> goto wait }
    fi;
    if
    :: atomic {
           value[key] != NONE -> assert(is_true_in_call(value[key])); began = 0; goto release
       }
    :: atomic { value[key] == NONE -> goto compute }
    fi;

wait: /* the same GET, after another reader's lease; then again, or never */
    if
    :: atomic { value[key] != NONE -> assert(is_true_in_call(value[key])); end_call }
    :: atomic { value[key] == NONE -> goto acquire }
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
    :: atomic { lease[key] == _pid -> lease[key] = NONE; end_call }
    :: atomic { lease[key] != _pid -> end_call }
    fi
}

/* Expiry and eviction: any key, at any moment, for nothing depends on a clock. */
inline vanish(k)
{
    if
    :: delete_value(k)
    :: delete_lease(k)
#ifdef LOCK_IN_REDIS
    :: locks[k] = 0
#endif
    fi
}

active proctype redis_forgets()
{
    do
    :: vanish(TOTAL)
    :: vanish(CUSTOMER)
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
