#include "app/outage.hpp"

#include "fakes.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <vector>

using namespace ordercache;
using namespace ordercache::fakes;
using namespace std::chrono_literals;

namespace {

struct Away {
    Outage::Clock::time_point now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 29} + 3h};
    MemoryReporter reporter;
    Outage outage{reporter, [this] { return now; }};

    void fail(const std::string& reason) { outage.failed(CacheError(reason)); }

    /// Fails once a second.
    void fail_for(std::chrono::seconds time, const std::string& reason) {
        for (const auto end = now + time; now < end; now += 1s) {
            fail(reason);
        }
    }
};

} // namespace

TEST_CASE("an outage warns of each reason once, and of its end") {
    Away away;
    away.fail("refused");
    away.fail("refused");
    away.fail("pg_hba rejects");
    away.fail("refused");
    away.outage.end();
    away.outage.end();
    away.fail("refused");
    CHECK(away.reporter.warnings ==
          std::vector<std::string>{"refused; trying again", "pg_hba rejects; trying again",
                                   "PostgreSQL and Redis answer again: all caches were cleared",
                                   "refused; trying again"});
}

TEST_CASE("an outage says again since when it lasts, ever more rarely") {
    Away away;
    away.fail_for(10h, "refused");
    const auto& said = away.reporter.warnings;
    REQUIRE(said.size() > 4);
    for (std::size_t i = 1; i < said.size(); ++i) {
        CHECK(said[i] == "refused; still trying since 2026-11-29 03:00:00 UTC");
    }
    CHECK(said.size() == 15);
}

TEST_CASE("a reason that is another one each time does not fill a log") {
    Away away;
    for (int i = 0; i < 3600; ++i) {
        away.fail("port " + std::to_string(i));
        away.now += 1s;
    }
    CHECK(away.reporter.warnings.size() < 30);
}

TEST_CASE("the state of an outage has its beginning and the last reason") {
    Away away;
    CHECK(away.outage.status().empty());
    away.fail("refused");
    away.now += 5s;
    away.fail("pg_hba rejects");
    CHECK(away.outage.status() == "Trying again since 2026-11-29 03:00:00 UTC: pg_hba rejects");
}

TEST_CASE("the pauses of an outage grow to a second") {
    Away away;
    away.fail("refused");
    CHECK(away.outage.next_pause() == 50ms);
    CHECK(away.outage.next_pause() == 100ms);
    for (int i = 0; i < 10; ++i) {
        away.outage.next_pause();
    }
    CHECK(away.outage.next_pause() == 1s);
}
