/*
 * A follower's sign of life and the known total, for Spin to explore in every interleaving: how old may
 * a read be while `invalidate --follow` is in charge, and is the number that the database keeps the
 * number of orders?
 *
 * How to read it. Each statement that touches a global, each d_step and each atomic is one step of
 * Redis or PostgreSQL, named as in the protocol. Between two steps anything else may happen, and any
 * time may pass. A process that is killed, stopped or cut off is one that is never scheduled again.
 * That a reader stores a count, and that `add` keeps a stored one exact, is one step each here:
 * lease.pml and ledger.pml take them apart.
 *
 * What holds, asserted in every step that could break it:
 *   bound   a read that trusts the cache, while somebody is in charge of following, lacks no commit
 *           that had been visible for BOUND ticks of the clock;
 *   once    no transaction is added twice to the cached count;
 *   known   where the known total may be used, it is the number of orders in that snapshot.
 *
 * tests/model/run gives the sizes: WRITERS, UNCERTAIN, RECORDED, UNRECORDED, PREPARED, TRUNCATES, with at most
 * four transactions in all; FOLLOWERS and COUNTERS, at most two each; READERS on two nodes; HELD, whether the wire holds
 * signs of life back; INVALIDATES and CRASHES; and BOUND. Every other switch is a mutation: it takes a
 * part of the protocol out, or puts it in the wrong place. A counter-example shows that the part is
 * needed.
 */

#define NONE 255
#define TRANSACTIONS 4

/* A set of transactions has a bit for each, and `transaction` is a set of one. Each adds a number of
 * orders of its own, so that two errors never cancel. */
#define bit(set, i) (((set) >> i) & 1)
#define orders_of(set) (bit(set, 0) + 3 * bit(set, 1) + 9 * bit(set, 2) + 27 * bit(set, 3))

/* PostgreSQL: the transactions that are visible, and for how many ticks, up to BOUND; the number of
 * orders; what shows that the table or its triggers were changed; the prepared transactions; and the
 * follower that holds the advisory lock. */
byte visible;
byte age[TRANSACTIONS];
short orders;
byte fingerprint;
byte prepared;
byte leader = NONE;

/* `change`, which a crash empties: the transactions noted in it, those among them that `add` handles,
 * and the prepared ones whose notes were lost. */
byte change;
byte handled;
byte lost;

/* `total`, which a crash empties: a number, and the fingerprint under which it was counted; NONE if
 * the number is not known. */
bool has_total;
short total;
byte total_fingerprint = NONE;

/* Whether `change` has a note of an unknown number of orders. Of each second connection of a follower:
 * whether a follower has asked it to count; whether it holds a lock on `change`; and whether `total`
 * still has the version that it counted. */
bool unknown;
bool must_count[2];
bool counting[2];
bool is_same_version[2];

/* Redis: a cached count, as the transactions in it, and the snapshot in which it was counted. */
bool has_value;
byte value;
byte since;

/* The key without an expiry, and the ticks that the other one has left. No eviction of the first is
 * tried: the protocol does not survive it while the follower is dead. Whether the other one has been
 * there since a read began that asks two nodes. And a sign of life that the wire holds back, as the
 * ticks that it has left. */
bool followed;
byte alive;
bool without_gap;
byte late;

/* ---- Time ---- */

/* Each follower's own clock: the ticks since its poll began, up to BOUND. */
byte elapsed[2];

inline tick(ticks) { ticks = (ticks < BOUND -> ticks + 1 : BOUND) }

inline grow_old(i)
{
    if
    :: bit(visible, i) -> tick(age[i])
    :: else
    fi
}

#define if_old(i) (age[i] == BOUND -> 1 << i : 0)
#define old (if_old(0) | if_old(1) | if_old(2) | if_old(3))

active proctype time()
{
end:
    do
    :: d_step {
           alive = (alive > 0 -> alive - 1 : 0);
           without_gap = without_gap && alive > 0;
#ifndef EXPIRY_FROM_ARRIVAL
           late = (late > 0 -> late - 1 : 0);
#endif
           tick(elapsed[0]);
           tick(elapsed[1]);
           grow_old(0);
           grow_old(1);
           grow_old(2);
           grow_old(3)
       }
    od
}

/* ---- Writers ---- */

inline drop() { has_value = false; value = 0; since = 0 }

inline write(transaction) { visible = visible | transaction; orders = orders + orders_of(transaction) }

inline note(transaction) { change = change | transaction }

/* `add`: its lock, its drop or its ledger keep a cached count exact. */
proctype add(byte transaction)
{
    d_step {
        write(transaction);
        value = (has_value -> value | transaction : 0);
#ifndef HANDLED_NOT_NOTED
        note(transaction);
#endif
#ifndef HANDLED_HEARD
        handled = handled | transaction
#endif
    }
}

/* An `add` that finds, after the triggers skipped its orders, that another trigger may have added more. */
proctype uncertain_add(byte transaction)
{
    d_step { write(transaction); drop(); unknown = true }
}

proctype recorded_change(byte transaction)
{
    d_step { write(transaction); note(transaction) }
}

/* These lock the table, so no prepared transaction that wrote to it is open. */
proctype unrecorded_change(byte transaction) /* ATTACH, or a trigger that was off */
{
    d_step { !prepared -> write(transaction); fingerprint++ }
}

proctype truncate(byte transaction)
{
    d_step { !prepared -> write(transaction); orders = 0; fingerprint++ }
}

proctype prepared_change(byte transaction)
{
    d_step { prepared = prepared | transaction };
    if
    :: d_step {
           prepared = prepared & ~transaction;
           write(transaction);
           if
           :: lost & transaction
           :: else -> note(transaction)
           fi
       }
    :: d_step { prepared = prepared & ~transaction } /* ROLLBACK PREPARED */
    fi
}

proctype crash()
{
    d_step {
        lost = prepared;
        change = 0;
        handled = 0;
        unknown = false;
        has_total = false;
        total = 0;
        total_fingerprint = NONE;
        must_count[0] = false;
        must_count[1] = false;
        counting[0] = false;
        counting[1] = false;
        leader = NONE
    }
}

/* ---- The follower ---- */

/* The lock is lost with the connection, and the open transaction is undone. The follower learns of it
 * after any number of further steps of its own. */
#define or_fails :: atomic { leader != _pid -> forget(); goto start }

inline forget()
{
    polled = 0;
    polled_handled = 0;
    polled_fingerprint = 0;
    polled_prepared = 0;
    polled_unknown = false;
    noted_fingerprint = 0;
    noted_prepared = 0;
    is_first = true
}

/* One script: adds what the snapshot of the value had not seen. */
#define news (polled & ~polled_handled & ~since)

inline hear()
{
    if
    :: has_value -> assert((value & news) == 0); value = value | news
    :: else
    fi
}

#ifdef EXPIRY_FROM_END
#define time_left BOUND
#else
#define time_left (BOUND - elapsed[self])
#endif

/* It arrives, or it is held back, and its follower gives up and starts anew. */
inline sign_of_life()
{
    if
    :: d_step { time_left > 0 -> followed = true; alive = time_left }
    :: skip
    :: atomic { HELD && time_left > 0 && !late -> late = time_left; forget(); goto start }
    or_fails
    fi
}

proctype wire()
{
end:
    do
    :: d_step { late > 0 -> followed = true; alive = late; late = 0 }
    od
}

#ifdef FOLLOWER_IGNORES_FINGERPRINT
#define has_new_fingerprint false
#else
#define has_new_fingerprint (polled_fingerprint != noted_fingerprint)
#endif

#ifdef FOLLOWER_IGNORES_PREPARED
#define has_ended false
#else
#define has_ended (noted_prepared & ~polled_prepared)
#endif

#if defined(START_WITHOUT_DROP) || defined(START_DROPS_BEFORE_POLL)
#define must_start_anew false
#else
#define must_start_anew is_first
#endif

#define must_drop (must_start_anew || has_new_fingerprint || has_ended)

#ifdef TOTAL_IGNORES_FINGERPRINT
#define is_current (total_fingerprint != NONE)
#else
#define is_current (total_fingerprint == fingerprint)
#endif

#ifdef UNKNOWN_IGNORED
#define may_use_total is_current
#else
#define may_use_total (is_current && !unknown)
#endif

#ifdef COUNTED_BESIDE_PREPARED
#define may_count_anew (!is_current)
#else
#define may_count_anew (!is_current && !prepared)
#endif

inline new_version()
{
#ifndef CORRECTED_WHATEVER_THE_VERSION
    is_same_version[0] = false;
    is_same_version[1] = false
#else
    skip
#endif
}

inline fold(unknown_too)
{
    if
    :: has_total -> total = total + orders_of(polled)
    :: else
    fi;
    if
    :: unknown_too -> total_fingerprint = NONE; new_version()
    :: else
    fi
}

/* The second connection, which ends in a crash. */
#define or_crashes :: atomic { !counting[self] -> counted = 0; counted_fingerprint = 0; goto end }

/* Others write, and the follower folds, meanwhile: both change the two sides alike. */
proctype count_anew(byte self)
{
    short counted;
    byte counted_fingerprint;

end:
    atomic { must_count[self] -> must_count[self] = false; counting[self] = true };
    if
    :: d_step {
           counting[self] ->
               counted = orders - total - orders_of(change);
               counted_fingerprint = fingerprint;
               is_same_version[self] = true
       }
    or_crashes
    fi;
#ifdef COUNTED_IN_TWO_SNAPSHOTS
    if :: d_step { counting[self] -> counted = counted + orders_of(change) } or_crashes fi;
    if :: d_step { counting[self] -> counted = counted - orders_of(change) } or_crashes fi;
#endif
    if
    :: d_step {
           counting[self] && has_total && is_same_version[self] ->
               total = total + counted;
               total_fingerprint = counted_fingerprint;
               new_version()
       }
    :: counting[self] /* it fails, or finds another version */
    or_crashes
    fi;
    d_step { counting[self] = false; counted = 0; counted_fingerprint = 0 };
    goto end
}

#ifdef FORGOTTEN_BESIDE_A_COUNT
#define is_unlocked true
#else
#define is_unlocked (!counting[0] && !counting[1])
#endif

/* A start empties `change` at once, or by a poll that nobody reads. */
inline begin_anew()
{
    if
    :: d_step {
           leader == _pid && is_unlocked ->
               change = 0; handled = 0; unknown = false;
               has_total = true; total_fingerprint = NONE
       }
    :: d_step {
           leader == _pid ->
               polled = change;
               fold(unknown);
               change = 0; handled = 0; unknown = false; polled = 0;
               has_total = true
       }
    or_fails
    fi
}

proctype follower(byte self)
{
    bool is_first = true;
    byte polled, polled_handled, polled_fingerprint, polled_prepared;
    byte noted_fingerprint, noted_prepared;
    bool polled_unknown;

start:
    atomic { leader == NONE -> leader = _pid };
#ifdef START_DROPS_BEFORE_POLL
    d_step { drop() };
#endif
    begin_anew();

poll: /* DELETE ... RETURNING, the fingerprint and what is prepared, in one snapshot */
    if
    :: d_step {
           leader == _pid ->
               elapsed[self] = 0;
               polled = change;
               polled_handled = handled;
               polled_fingerprint = fingerprint;
               polled_prepared = prepared;
               polled_unknown = unknown;
               must_count[0] = may_count_anew;
               must_count[1] = may_count_anew
       }
    or_fails
    fi;
#ifdef FOLDED_OUTSIDE
    if :: d_step { leader == _pid -> fold(polled_unknown) } or_fails fi;
#endif
#ifdef ALIVE_FIRST
    sign_of_life();
#endif
    if
    :: d_step { must_drop -> drop() }
    :: atomic { !must_drop -> skip }
    or_fails
    fi;
    if :: d_step { hear() } or_fails fi;
#ifndef ALIVE_FIRST
    sign_of_life();
#endif
    if
    :: d_step { /* COMMIT */
           leader == _pid ->
#ifndef FOLDED_OUTSIDE
               fold(polled_unknown);
#endif
               unknown = unknown && !polled_unknown;
               change = change & ~polled;
               handled = handled & ~polled;
               noted_fingerprint = polled_fingerprint;
               noted_prepared = polled_prepared;
               polled = 0;
               polled_handled = 0;
               polled_fingerprint = 0;
               polled_prepared = 0;
               polled_unknown = false;
               is_first = false
       }
    or_fails
    fi;
    goto poll
}

/* ---- Readers, and what is lost ---- */

#ifdef TRUSTED_WITHOUT_ALIVE
#define is_trusted true
#else
#define is_trusted (!followed || alive > 0)
#endif

#ifdef VALUE_BEFORE_ALIVE
#define was_there true
#else
#define was_there without_gap
#endif

active proctype count()
{
end:
    do
    /* A hit. Where nobody is in charge, the time to live is all that bounds its age. */
    :: d_step { has_value && is_trusted -> assert(!followed || (old & ~value) == 0) }
    /* A miss, or nobody vouches for the value: it counts, and stores the count. */
    :: d_step {
           assert(!may_use_total || total + orders_of(change) == orders);
           has_value = true;
           value = visible;
           since = visible
       }
    od
}

/* In a cluster, a read may find the value before `alive`. It is as old as if it had ended when it
 * found the value. */
proctype count_on_two_nodes()
{
    byte found, must_have;
end:
    do
    :: d_step { has_value -> found = value; must_have = old; without_gap = (alive > 0) };
       d_step {
           assert(!(followed && is_trusted && was_there) || (must_have & ~found) == 0);
           found = 0;
           must_have = 0;
           without_gap = false
       }
    od
}

/* `invalidate` of everything. */
proctype invalidate()
{
    d_step { drop(); followed = false; alive = 0; without_gap = false }
}

/* At any moment a key expires or is evicted, or a connection breaks. */
active proctype lose()
{
end:
    do
    :: d_step { drop() }
    :: d_step { alive = 0; without_gap = false }
    :: leader = NONE
    od
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
        start_writing(UNCERTAIN, uncertain_add);
        start_writing(RECORDED, recorded_change);
        start_writing(UNRECORDED, unrecorded_change);
        start_writing(PREPARED, prepared_change);
        start_writing(TRUNCATES, truncate);
        start(FOLLOWERS, follower(n));
        start(COUNTERS, count_anew(n));
        start(INVALIDATES, invalidate());
        start(READERS, count_on_two_nodes());
        start(HELD, wire());
        start(CRASHES, crash());
        transaction = 0
    }
}
