/*
 * Ages, for Spin to explore: a dead program blocks a count for a bounded time, however far Redis's
 * clock jumps. It jumps where another Redis takes over whose clock is behind or ahead, and where it
 * is set.
 *
 * The other models let a lease, a reader's token and a writer's entry vanish at any moment, so no clock
 * can make a count wrong. Here one of them is set and renewed, and it must not stay for too long after
 * its program has died. The stamp is the moment of the last renewal by Redis's clock. A lease has an
 * expiry instead: its stamp plus LIFETIME.
 *
 * What holds, asserted at each look of a program that waits:
 *   wait    it has waited for at most two lifetimes and a pause, in true time, since the last renewal
 *           (two, since a jump back by less than the age of the stamp looks like a renewal).
 *
 * tests/model/run gives SKEW, the longest jump. Every other switch is a mutation.
 */

#define NONE 255
#define LIFETIME 2

/* Redis: its clock, and the stamp. */
byte now = SKEW;
byte stamp = NONE;

/* Whether another program waits, and for how long since the last renewal. */
bool waits;
byte waited;

#if defined(FUTURE_IS_FRESH)
#define is_fresh (stamp != NONE && (stamp > now || now - stamp <= LIFETIME))
#elif defined(PAST_IS_FRESH)
#define is_fresh (stamp != NONE && stamp <= now)
#else
#define is_fresh (stamp != NONE && stamp <= now && now - stamp <= LIFETIME)
#endif

/* The program takes the right, renews it, and dies at any time. */
active proctype holder()
{
    do
    :: d_step { stamp = now; waited = 0 }
    :: break
    od
}

/* A program that waits looks after each pause, and the pauses are short. */
inline look()
{
    if
    :: waits && is_fresh -> waited++; assert(waited <= 2 * LIFETIME + 1)
    :: waits && !is_fresh -> waits = false; waited = 0; stamp = NONE
    :: else
    fi
}

active proctype waiter()
{
end:
    do
    :: d_step { !waits && is_fresh -> waits = true; waited = 0 }
    od
}

/* It jumps once. Then time passes for as long as a jump can have an effect. */
active proctype redis_clock()
{
    byte jump;

    do
    :: d_step { now < 4 * SKEW -> now++; look() }
    :: now >= 4 * SKEW -> break
    :: atomic {
           !jump ->
               select(jump : 1 .. SKEW);
               if :: now = now - (jump < now -> jump : now) :: now = now + jump fi
       }
    od
}
