#include "redis/key_scan.hpp"

#include "redis/router.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <numeric>

namespace ordercache {

namespace {

/// Few enough for a first page of long keys to be an ordinary reply, and enough for a million keys
/// to take some hundred round trips.
constexpr std::size_t k_first_page_keys = 100;
constexpr std::size_t k_most_page_keys = 4000;

/// Far less than a reply may have: a page may be longer than those before it.
constexpr std::size_t k_page_bytes = 128 * 1024;

/// A page of the wanted number of bytes has as many keys as this, if its keys are as long as these.
std::size_t next_page_keys(std::size_t page_keys, const std::vector<std::string>& keys) {
    const std::size_t bytes = std::transform_reduce(keys.begin(), keys.end(), std::size_t{1},
                                                    std::plus<>(), std::mem_fn(&std::string::size));
    return std::clamp(page_keys * k_page_bytes / bytes, std::size_t{1},
                      std::min(4 * page_keys, k_most_page_keys));
}

void scan_server(RedisServer& server, const std::string& pattern,
                 const std::function<void(const std::vector<std::string>&)>& visit) {
    std::size_t page_keys =
        std::clamp(k_page_bytes / pattern.size(), std::size_t{1}, k_first_page_keys);
    std::string cursor = "0";
    do {
        const auto page = RedisRouter::run_at(
            server, {"SCAN", cursor, "MATCH", pattern, "COUNT", std::to_string(page_keys)});
        cursor = page.list[0].text;
        std::vector<std::string> keys;
        std::ranges::transform(page.list[1].list, std::back_inserter(keys), &RedisReply::text);
        page_keys = next_page_keys(page_keys, keys);
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
