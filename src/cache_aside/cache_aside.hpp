#pragma once

#include "cache_aside/reader.hpp"
#include "cache_aside/writer.hpp"

/// THE protocol: when a count may be served from the cache, stored in it, and dropped from it.
/// A cached count is the count in PostgreSQL at every moment, whatever is killed, while every
/// program that writes orders or stores counts keeps to it.
///
/// A customer's count, by drop and lease:
/// - A writer holds a lock in PostgreSQL from before its drop until its commit is visible.
/// - A reader that missed takes the lease on the key, probes for writers' locks, and only then
///   counts; it fills the cache if the lease is still its own. A drop takes the lease away.
///
/// The total, by a ledger:
/// - A writer that holds its lock enters itself in the ledger, which hides the total. When its
///   commit is visible, it brings the total back with its orders added.
/// - A reader that counts meanwhile enters its count, its snapshot and the locks that its probe
///   saw. What was committed since that snapshot is added. The count is not stored if a lock's
///   writer is not in the ledger.
///
/// A follower's sign of life:
/// - While somebody follows what other programs write, a read serves only what the follower vouched
///   for: the cache has all that was visible 2 seconds ago. Otherwise the read is a refresh.
///
/// The lease comes from Nishtala and others, Scaling Memcache at Facebook, NSDI 2013, 3.2.1.
