/*
 * A customer's count, by drop and lease, for Spin to explore in every interleaving: when may a cached
 * count be served, and when stored? One customer is enough: the count of a customer depends on no
 * other customer's keys or locks, except for the lock of a batch.
 *
 * How to read it. Each statement that touches a global, each d_step and each atomic is one step of
 * Redis or PostgreSQL, named as in the protocol and the program. Between two steps anything else may
 * happen, for any time. A killed process is one that is never scheduled again, so a death is a step
 * only where it has an effect: the server rolls back, or another program takes the place.
 *
 * What holds, asserted in every step that could break it:
 *   truth   a cached count is the count in the database (where other programs write too: once
 *           `invalidate` has returned, or the follower has dropped the count);
 *   answer  a count that a reader returns was the true count at some moment of its call, also where
 *           another reader made it (a count from a standby promises nothing).
 *
 * tests/model/run gives the sizes: WRITERS, BATCHES, OUTSIDERS, READERS, STANDBYS, WAITERS. Every
 * other switch is a mutation: it takes a part of the protocol out, or puts it in the wrong place. A
 * counter-example shows that the part is needed.
 */

#define NONE 255

/* Redis: the count, and the token of the one reader that may store it. */
byte value = NONE;
byte lease = NONE;

/* The last count that was made under a lease, its reader's token, and whether a standby made it. */
byte answer = NONE;
byte answered_by = NONE;
bool is_from_standby;

/* PostgreSQL: the visible count, and the sets of transactions that hold a writer's lock, on the
 * customer and on (class, -1) for batches. */
byte count;
byte lock_holders;
byte batch_lock_holders;

/* Commits from outside the protocol that no `invalidate` has announced yet. */
byte unannounced;

inline check_truth()
{
#ifdef TRUTH_UNCHECKED
    skip
#else
    assert(unannounced || value == NONE || value == count)
#endif
}

/* Counts only grow, and each answer was visible at some moment: if it is within these bounds, that
 * moment was during the call. */
#define was_counted_in_call(orders) (began <= orders && orders <= count)
#define is_true_in_call(orders) (unannounced || was_counted_in_call(orders))

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

/* A program that writes orders without the protocol, and then an `invalidate`, or the follower, which
 * drops the customers of the changes that it polled. */
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

/* A reader that lost the lease began before the one that has it now. */
#ifdef RELEASE_WITHOUT_COMPARE
#define may_answer true
#else
#define may_answer (lease == _pid)
#endif

#ifdef RENEW_WITHOUT_COMPARE
#define renew lease = _pid
#else
#define renew lease == _pid -> lease = _pid
#endif

/* The answer is given, or the reader is killed: the next call begins. */
#define end_call began = 0; snapshot = 0; goto call

inline delete_answer() { answer = NONE; answered_by = NONE; is_from_standby = false }

/* Without a waiter, an answer only multiplies the states. */
inline leave_answer()
{
#if WAITERS
    answer = snapshot;
    answered_by = _pid;
    is_from_standby = standby
#else
    skip
#endif
}

/* While it works under a lease, a reader renews it, or is killed and leaves it to its expiry. */
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
    assert(claims_nothing || was_counted_in_call(snapshot))
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

/* A count that was stored is left as an answer too: a refresh that waits takes it. */
inline fill()
{
#ifdef FILL_IN_TWO_STEPS
    if :: atomic { may_fill -> skip } :: atomic { !may_fill -> end_call } fi;
    atomic { value = snapshot; lease = NONE; check_truth(); end_call }
#else
    do
    :: atomic { may_fill -> value = snapshot; lease = NONE; leave_answer(); check_truth(); end_call }
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
    /* --refresh */
    :: atomic { lease == NONE -> began = count; lease = _pid; goto compute }
    fi;

acquire: /* SET lease NX and GET value: one script in the program, two steps here */
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
    :: atomic { select_count(); began = 0; break }
    or_meanwhile
    od;
    if
    :: atomic { may_answer -> delete_lease(); leave_answer(); end_call }
    :: atomic { !may_answer -> end_call }
    fi;

release:
    if
    :: atomic { lease == _pid -> lease = NONE; end_call }
    :: atomic { lease != _pid -> end_call }
    fi
}

/* The tokens that a waiter met when it asked: those readers may have counted before. */
#ifdef MET_WITHOUT_HOLDER
#define met_holder NONE
#else
#define met_holder lease
#endif
#ifdef MET_WITHOUT_ANSWER
#define met_answer NONE
#else
#define met_answer answered_by
#endif

#define began_later (answered_by != NONE && answered_by != holder && answered_by != answerer)

#ifdef ANSWER_OF_STANDBY
#define is_from_primary true
#else
#define is_from_primary (!is_from_standby)
#endif

/* A miss or a refresh that asks the primary, finds another reader's lease, and waits for the answer of
 * a reader that began after it asked. Whatever else a waiter may do, `reader` does. One call stands for
 * all: it may begin at any time. */
proctype waiter()
{
    byte began, holder, answerer;

    d_step { lease != NONE -> began = count; holder = met_holder; answerer = met_answer };
    d_step {
        began_later && is_from_primary -> assert(was_counted_in_call(answer));
        began = 0;
        holder = 0;
        answerer = 0
    }
}

/* Any key expires or is evicted at any moment: nothing depends on a clock. */
active proctype redis_forgets()
{
    do
    :: delete_value()
    :: delete_lease()
#if WAITERS
    :: d_step { delete_answer() }
#endif
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
        start(STANDBYS, reader(true));
        start(WAITERS, waiter())
    }
}
