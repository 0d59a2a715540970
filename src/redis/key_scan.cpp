#include "redis/key_scan.hpp"

#include "redis/router.hpp"

#include <algorithm>
#include <iterator>

namespace ordercache {

namespace {

/// Enough for a million keys to take some hundred round trips, and few enough for a page of them to
/// be a reply of ordinary size.
constexpr auto k_page_keys = "4000";

void scan_server(RedisServer& server, const std::string& pattern,
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

} // namespace

void scan_keys(const std::vector<RedisServer*>& servers, const std::string& pattern,
               const std::function<void(const std::vector<std::string>&)>& visit) {
    // A key that moves from one server to the next meanwhile may escape the first look.
    const int looks = servers.size() > 1 ? 2 : 1;
    for (int look = 0; look < looks; ++look) {
        for (RedisServer* const server : servers) {
            scan_server(*server, pattern, visit);
        }
    }
}

} // namespace ordercache
