/*
 * The total's ledger, for Spin to explore in every interleaving: a writer takes the total out of
 * sight while it is in flight, and brings it back, with its orders added, once its commit is
 * visible. And `invalidate --follow`, which does the same for orders that other programs write.
 *
 * How to read it. Each statement that touches a global, each d_step and each atomic is one step of
 * Redis or PostgreSQL, named as in the protocol and the program. Between two steps anything else may
 * happen, for any time. A process that is killed or hangs is one that is never scheduled again, so a
 * death is a step only where it has an effect: the server rolls back, or another program takes the
 * place.
 *
 * What holds, asserted in every step that could break it:
 *   truth   a cached total is the total in the database (where other programs write too: once
 *           `invalidate` has returned, or the follower has handled their changes);
 *   answer  a count that a waiting reader takes from another reader was the true total at some
 *           moment since the waiting one asked;
 *   kept    committed orders are kept only for a reader that counts, and no more than the bound.
 *
 * tests/model/run gives the sizes: WRITERS, TRIGGERS, OUTSIDERS, RECORDED, UNRECORDED, FOLLOWERS,
 * READERS, WAITERS and CRASHES, with at most five transactions in all; and BOUND, where there is one.
 * Every other switch is a mutation: it takes a part of the protocol out, or puts it in the wrong
 * place. A counter-example shows that the part is needed.
 */

#define NONE 255

/* A set of transactions has a bit for each, and `transaction` is a set of one. Each adds a number
 * of orders of its own, so that two errors never cancel. */
#define bit(set, i) (((set) >> i) & 1)
#define orders_of(set) \
    (bit(set, 0) + 3 * bit(set, 1) + 9 * bit(set, 2) + 27 * bit(set, 3) + 81 * bit(set, 4))
#define first_of(set) ((set) & -(set))

/* Two transactions with the same id: a crash undid the first before its id was on the disk, and the
 * second got that id. Snapshots and locks know only ids: by_id() is a set as they show it. */
byte twins;
#define by_id(set) ((set) | (((set) & twins) -> twins : 0))

/* PostgreSQL: the transactions that hold a writer's lock, that are committed and visible, and that
 * ended, by a commit or a rollback. */
byte locks;
byte visible;
byte ended;
bool crashed;

/* Redis: the total, */
byte value = NONE;

/* and its ledger: the token of the reader that may fill it; a count that is known while writers are
 * in flight; the snapshot in which that, or the value, was counted, and the token of its reader; the
 * writers in flight; and how many entries were put into the key below, */
byte reader = NONE;
byte base = NONE;
byte since = NONE;
byte filled_by = NONE;
byte in_flight;
byte kept;

/* which has those that committed, or were rolled back, while the reader counted. */
byte committed;
byte rolled_back;

/* The last count that could not be stored, and its reader's token. */
byte answer = NONE;
byte answered_by = NONE;

/* Commits of other programs that no `invalidate` and no follower has handled, and those among them
 * that no row trigger recorded. */
byte unhandled;
byte unrecorded;

inline check_truth()
{
    assert(unhandled || value == NONE || value == orders_of(visible))
}

/* ---- The scripts, each a step of Redis ---- */

inline delete_committed() { committed = 0; rolled_back = 0 }

inline end_right() { reader = NONE; kept = 0; delete_committed() }

inline delete_all_but_since() { base = NONE; in_flight = 0; end_right() }

inline delete_ledger() { delete_all_but_since(); since = NONE; filled_by = NONE }

inline publish()
{
    value = base;
    delete_all_but_since();
    check_truth()
}

/* Nobody counts and nothing is known. What belongs to a value stays. */
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

#define number_of(set) (bit(set, 0) + bit(set, 1) + bit(set, 2) + bit(set, 3) + bit(set, 4))

#if !BOUND
#define is_past_bound false
#else
#define is_past_bound (kept > BOUND)
#endif

#define committed_number number_of(committed | rolled_back)

inline check_kept()
{
    assert(!is_past_bound || committed_number == 0);
    assert(reader != NONE || kept + committed_number == 0)
}

/* Keeps how a transaction ended for the reader that counts. Past the bound nothing is kept any more,
 * and that reader cannot store its count. */
inline keep(entry, outcome)
{
    if
    :: !is_past_bound ->
           if
           :: ((committed | rolled_back) & (entry)) == 0 -> kept++
           :: else
           fi;
           committed = committed | (outcome);
           rolled_back = rolled_back | ((entry) & ~(outcome));
           if
           :: is_past_bound -> go_past_bound()
           :: else
           fi
    :: else
    fi;
    check_kept()
}

inline go_past_bound()
{
#ifndef ENTRIES_PAST_BOUND
    delete_committed();
#endif
#ifdef BOUND_FORGOTTEN
    kept = 0
#else
    skip
#endif
}

/* A writer, before its COMMIT. Where a reader refreshes the value, its count will be a better base. */
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
    :: value != NONE && reader != NONE -> since = NONE; filled_by = NONE
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
                  keep(entry, outcome)
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

/* Takes the right, and deletes what was kept for a reader whose ledger was evicted. */
inline acquire()
{
    reader = _pid;
    kept = 0;
    delete_committed();
#ifndef REFRESH_KEEPS_BASE
    base = NONE;
#endif
    if
    :: value == NONE -> since = NONE; filled_by = NONE
    :: else
    fi
}

inline delete_answer() { answer = NONE; answered_by = NONE }

/* Without a waiter, an answer and a token only multiply the states. */
inline leave_answer()
{
#if WAITERS
    answer = counted;
    answered_by = _pid
#else
    skip
#endif
}

#ifdef RELEASE_WITHOUT_TOKEN
#define may_answer true
#else
#define may_answer (reader == _pid)
#endif

inline release()
{
    if
    :: may_answer -> leave_answer()
    :: else
    fi;
    if
    :: reader == _pid -> end_count(); check_kept(); delete_if_idle()
    :: else
    fi
}

#ifdef RELEASE_KEEPS_COMMITTED
inline end_count() { reader = NONE }
#else
inline end_count() { end_right() }
#endif

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

/* An eviction takes one key and leaves the other. */
#ifdef FILL_WITHOUT_NUMBER
#define none_was_lost true
#else
#define none_was_lost (kept == committed_number)
#endif

inline fill()
{
    if
    :: is_mine && all_have_entries && none_was_lost ->
           base = counted + orders_of(committed_since);
           since = snapshot;
#if WAITERS
           filled_by = _pid;
#endif
           end_right();
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

/* The follower, of a transaction that another program wrote. */
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
    :: reader != NONE -> keep(transaction, transaction)
    :: else
    fi;
#endif
    check_truth()
}

inline drop() { value = NONE; delete_ledger() }

/* ---- Writers ---- */

/* A crash undoes the transactions that began before it. */
inline lock(transaction) { locks = locks | transaction; is_later = crashed }

/* PostgreSQL releases the lock once the end is visible. One step is as good as two: a lock that is seen
 * for longer only keeps a reader from storing. */
inline end(transaction) { locks = locks & ~transaction; ended = ended | transaction }

inline commit(transaction) { visible = visible | transaction; end(transaction); check_truth() }

/* COMMIT is sent: the server acts alone, in its own time, whether its client lives or not. Without an
 * outcome, nobody is told what it was. */
inline commit_or_rollback(transaction)
{
    if
    :: d_step { is_later == crashed -> commit(transaction); outcome = transaction }
    :: d_step { is_later == crashed -> end(transaction); outcome = 0 }
    :: is_later != crashed
    fi
}

/* The writer's connection broke and its order is not there: its id may be another transaction's. */
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

/* A writer on a table with user triggers, which may change counts that it does not know of. */
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

/* A program that writes orders without the protocol, and then an `invalidate`. */
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

/* Only the fingerprint of `orders` shows it: TRUNCATE, ATTACH, a trigger that was off. */
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

/* The lock is lost with the connection, and the poll's transaction is undone. The follower learns of it
 * after any number of further steps of its own. */
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

/* It is killed and leaves its token to its expiry; the next call begins. */
#define or_dies :: atomic { forget(); goto call }

inline forget() { holders = 0; snapshot = 0; counted = 0; is_later = 0; checked = 0 }

/* A snapshot has also seen what was rolled back: that matters only where its id comes again. */
#if CRASHES
#define seen ended
#else
#define seen visible
#endif

/* Entries that the snapshot has seen, unless they are from after a crash and it is from before. */
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
    :: d_step { may_acquire -> acquire() }
    :: d_step { reader == NONE -> acquire() } /* --refresh */
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
#if WAITERS
    /* The fill was refused earlier, or a standby counted. */
    :: atomic { release(); forget(); goto call }
#endif
    or_dies
    fi
}

/* The tokens that a waiter met when it asked, as a set: those readers may have counted before. */
#define set_of(token) (token == NONE -> 0 : 1 << token)
#ifdef MET_WITHOUT_READER
#define met_reader 0
#else
#define met_reader set_of(reader)
#endif
#ifdef MET_WITHOUT_ANSWER
#define met_answer 0
#else
#define met_answer set_of(answered_by)
#endif
#ifdef MET_WITHOUT_VALUE
#define met_value 0
#else
#define met_value set_of(filled_by)
#endif

#define began_later(token) (token != NONE && !(met & set_of(token)))

#define was_counted_in_call(orders) (began <= orders && orders <= orders_of(visible))

inline ask() { began = orders_of(visible); met = met_reader | met_answer | met_value }

inline take_answer() { d_step { began_later(answered_by) -> assert(was_counted_in_call(answer)) } }

inline take_value()
{
    d_step { value != NONE && began_later(filled_by) -> assert(was_counted_in_call(value)) }
}

/* A read or a refresh that waits, and takes the answer of a reader that began after it asked. A refresh
 * takes a published value by the same rule. Whatever else a waiter may do, `count` does. One call stands
 * for all: it may begin at any time. */
proctype waiter()
{
    byte began;
    short met;

    if
    :: d_step { reader != NONE -> ask() };
       if :: take_answer() :: take_value() fi
    /* A read waits for writers, too. */
    :: d_step { reader == NONE && base != NONE -> ask() };
       take_answer()
    fi;
    d_step { began = 0; met = 0 }
}

inline evict_ledger()
{
    reader = NONE;
    base = NONE;
    since = NONE;
    filled_by = NONE;
    in_flight = 0;
    kept = 0
}

/* At any moment, for nothing depends on a clock: a key expires or is evicted, the ledger is void since
 * a COMMIT hangs, a reader did not renew its token, a connection breaks. */
active proctype lose()
{
    do
    :: value = NONE
    :: d_step { delete_ledger() }
    :: d_step { evict_ledger() }
    :: d_step { delete_committed() }
#if WAITERS
    :: d_step { delete_answer() }
#endif
    :: d_step { end_right() }
    :: leader = NONE
    od
}

/* PostgreSQL crashes and undoes what is in flight. The next writer gets the id of one of these
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
        start(WAITERS, waiter());
        transaction = 0
    }
}
