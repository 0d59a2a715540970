#include "redis/key_scan.hpp"

#include "redis/router.hpp"

#include <algorithm>
#include <iterator>

namespace ordercache {

namespace {

/// Enough for a million keys to take some hundred round trips, and few enough for a page of them to
/// be a reply of ordinary size.
constexpr auto k_page_keys = "4000";

} // namespace

void scan_keys(RedisServer& server, const std::string& pattern,
               const std::function<void(const std::vector<std::string>&)>& visit) {
    std::string cursor = "0";
    do {
        const auto page =
            RedisRouter::run_at(server, {"SCAN", cursor, "MATCH", pattern, "COUNT", k_page_keys});
        cursor = page.list[0].text;
        std::vector<std::string> keys;
        std::ranges::transform(page.list[1].list, std::back_inserter(keys), &RedisReply::text);
        visit(keys);
    } while (cursor != "0");
}

} // namespace ordercache
