#include "base/error.hpp"
#include "cache_aside/audit.hpp"
#include "cache_aside/cache_aside.hpp"
#include "fakes.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

using namespace ordercache;
using namespace ordercache::fakes;
using namespace std::chrono_literals;

namespace {

/// An audit beside a program that adds orders, and what happens in its pauses.
struct Scene {
    Servers servers{k_orders};
    Process auditor{servers};
    Process adder{servers};
    std::vector<milliseconds> pauses;
    std::function<void()> in_pause = [] {};
    Audit audit{auditor.cache, auditor.store, [this](milliseconds length) {
                    pauses.push_back(length);
                    servers.clock.tick(length);
                    in_pause();
                }};

    void cache(const Scope& scope, std::int64_t count) { servers.values.set(scope, count, 120s); }

    /// A program that writes without the protocol.
    void write_outside(const Scope& customer) {
        servers.make_visible(servers.begin({*customer.customer}, std::vector<Scope>{}));
    }

    /// Follows that program: mends the total, drops the customer's count.
    void follow(const Scope& customer) {
        cache(k_all_orders, *servers.values.get(k_all_orders) + 1);
        servers.values.remove(customer);
    }

    void add(const Scope& customer) { adder.add(*customer.customer); }

    std::vector<StaleCount> stale_customers() {
        return audit.stale_customers({k_customer, k_another_customer});
    }
};

} // namespace

TEST_CASE("counts that are right are compared once, and none is stale") {
    Scene scene;
    scene.cache(k_all_orders, k_orders);
    scene.add(k_customer);
    scene.cache(k_customer, 1);
    scene.cache(k_another_customer, 0);
    CHECK_FALSE(scene.audit.stale_total());
    CHECK(scene.stale_customers().empty());
    CHECK(scene.pauses.empty());
    CHECK(scene.auditor.script.times(Step::snapshot) == 2);
}

TEST_CASE("a total that differs is looked at again, three times within a second") {
    for (const std::int64_t wrong : {k_orders - 1, k_orders + 1, std::int64_t{0}}) {
        CAPTURE(wrong);
        Scene scene;
        scene.cache(k_all_orders, wrong);
        const auto stale = scene.audit.stale_total();
        REQUIRE(stale);
        CHECK(stale->cached == wrong);
        CHECK(stale->counted == k_orders);
        CHECK(scene.auditor.script.times(Step::snapshot) == 4);
        CHECK(scene.pauses == std::vector<milliseconds>{130ms, 210ms, 340ms});
    }
}

TEST_CASE("a customer's count that differs is looked at again, and the others are not") {
    for (const std::int64_t wrong : {1, 3}) {
        CAPTURE(wrong);
        Scene scene;
        scene.add(k_customer);
        scene.add(k_customer);
        scene.cache(k_customer, wrong);
        scene.cache(k_another_customer, 5);
        const auto stale = scene.stale_customers();
        REQUIRE(stale.size() == 2);
        CHECK(stale.front().scope == k_customer);
        CHECK(stale.front().cached == wrong);
        CHECK(stale.front().counted == 2);
        CHECK(stale.back().counted == 0);
        CHECK(scene.pauses.size() == 3);
    }
}

TEST_CASE("a value that is not a count is stale") {
    Scene scene;
    scene.auditor.cache.garbled = {k_all_orders, k_customer};
    const auto total = scene.audit.stale_total();
    REQUIRE(total);
    CHECK_FALSE(total->cached);
    CHECK(total->counted == k_orders);
    REQUIRE(scene.stale_customers().size() == 1);
}

TEST_CASE("what is not cached is not counted") {
    Scene scene;
    CHECK_FALSE(scene.audit.stale_total());
    CHECK(scene.auditor.script.taken() == std::vector<Step>{Step::look});
    CHECK(scene.stale_customers().empty());
    CHECK(scene.pauses.empty());
}

TEST_CASE("orders that the protocol adds make nothing stale, whenever they come") {
    for (const Step step : {Step::look, Step::snapshot, Step::answer}) {
        CAPTURE(step);
        Scene scene;
        scene.adder.reader.counts({k_all_orders, k_customer});
        scene.auditor.script.before(step, [&] { scene.add(k_customer); });
        CHECK_FALSE(scene.audit.stale_total());
        scene.auditor.script.before(step, [&] {
            scene.add(k_customer);
            scene.adder.count(k_customer);
        });
        CHECK(scene.stale_customers().empty());
    }
}

TEST_CASE("an add before every step of an audit makes nothing stale") {
    Scene scene;
    scene.adder.reader.counts({k_all_orders, k_customer});
    scene.auditor.script.before_each([&] {
        scene.add(k_customer);
        scene.adder.count(k_customer);
    });
    CHECK_FALSE(scene.audit.stale_total());
    CHECK(scene.stale_customers().empty());
}

TEST_CASE("a total that writers keep out of sight is waited for, and not for ever") {
    Scene scene;
    scene.cache(k_all_orders, k_orders + 1);
    scene.adder.cache.begin_write({.transaction = 1}, 1, {});
    SUBCASE("and found when it is back") {
        scene.in_pause = [&] { scene.adder.cache.end_write({1}, TransactionStatus::aborted); };
        const auto stale = scene.audit.stale_total();
        REQUIRE(stale);
        CHECK(stale->cached == k_orders + 1);
    }
    SUBCASE("and given up") {
        CHECK_FALSE(scene.audit.stale_total());
        CHECK(scene.auditor.script.times(Step::snapshot) == 0);
        CHECK(scene.pauses.size() == 25);
    }
    CHECK(scene.pauses.front() == 20ms);
}

TEST_CASE("a wrong total is found beside adds, which keep it as far off") {
    Scene scene;
    scene.cache(k_all_orders, k_orders - 3);
    scene.in_pause = [&] { scene.add(k_customer); };
    scene.auditor.script.before(Step::snapshot, [&] { scene.add(k_customer); });
    const auto stale = scene.audit.stale_total();
    REQUIRE(stale);
    REQUIRE(stale->cached);
    CHECK(*stale->cached == stale->counted - 3);
    CHECK(scene.pauses.size() == 10);
}

TEST_CASE("a count whose change is still to be heard of is not stale") {
    Scene scene;
    scene.cache(k_all_orders, k_orders);
    scene.cache(k_customer, 0);
    scene.write_outside(k_customer);
    scene.in_pause = [&] { scene.follow(k_customer); };
    SUBCASE("the total") {
        CHECK_FALSE(scene.audit.stale_total());
    }
    SUBCASE("a customer's") {
        CHECK(scene.stale_customers().empty());
    }
    CHECK(scene.pauses == std::vector<milliseconds>{130ms});
}

TEST_CASE(
    "a total that is behind by more each time is not stale: somebody is about to hear of it") {
    Scene scene;
    scene.cache(k_all_orders, k_orders);
    scene.write_outside(k_customer);
    scene.in_pause = [&] { scene.write_outside(k_customer); };
    CHECK_FALSE(scene.audit.stale_total());
    CHECK(scene.pauses.size() == 1);
}

TEST_CASE("a customer's count that was counted anew meanwhile is another") {
    Scene scene;
    scene.cache(k_customer, 5);
    scene.in_pause = [&, count = 5]() mutable { scene.cache(k_customer, ++count); };
    CHECK(scene.stale_customers().empty());
    CHECK(scene.pauses.size() == 1);
}

TEST_CASE("a stale count that expires between two looks is gone") {
    Scene scene;
    scene.servers.values.set(k_all_orders, 5, 200ms);
    scene.servers.values.set(k_customer, 5, 200ms);
    SUBCASE("the total") {
        CHECK_FALSE(scene.audit.stale_total());
    }
    SUBCASE("a customer's") {
        CHECK(scene.stale_customers().empty());
    }
    CHECK(scene.pauses.size() == 2);
}

TEST_CASE("by a standby nothing is called stale: it is refused") {
    Scene scene;
    scene.servers.counts_on_standby = true;
    scene.cache(k_all_orders, k_orders);
    scene.cache(k_customer, 0);
    const auto kind_of = [](const auto& act) -> std::optional<ErrorKind> {
        try {
            act();
        } catch (const Error& error) {
            CHECK(std::string(error.what()).find("standby") != std::string::npos);
            return error.kind();
        }
        return std::nullopt;
    };
    CHECK(kind_of([&] { scene.audit.stale_total(); }) == ErrorKind::store_failed);
    CHECK(kind_of([&] { scene.stale_customers(); }) == ErrorKind::store_failed);
}

TEST_CASE("customers are compared 5,000 at a time") {
    Scene scene;
    std::vector<Scope> customers;
    for (std::int64_t number = 1; number <= 10'001; ++number) {
        customers.push_back(customer_scope(number));
    }
    scene.cache(customers.front(), 1);
    scene.cache(customers.back(), 1);
    CHECK(scene.audit.stale_customers(customers).size() == 2);
    CHECK(scene.auditor.script.times(Step::snapshot) == 3 + 3 * 1);
}

TEST_CASE("an audit that is ended in a pause ends") {
    Scene scene;
    scene.cache(k_all_orders, 5);
    scene.in_pause = [] { throw Error(ErrorKind::rejected, "ended"); };
    CHECK_THROWS_AS(scene.audit.stale_total(), Error);
}
