#include "redis/key_scan.hpp"

#include "redis/reply_check.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace ordercache {

namespace {

/// Few enough that a first page of long keys is an ordinary reply, and enough that a million keys
/// take some hundred round trips.
constexpr std::size_t k_first_page_keys = 100;
constexpr std::size_t k_most_page_keys = 4000;

/// Far less than a reply may have, since a page may be longer than the ones before it.
constexpr std::size_t k_page_bytes = 128 * 1024;

/// Their scopes take some megabytes.
constexpr std::size_t k_scopes_at_once = 100'000;

std::size_t longest_of(const std::vector<RedisReply>& keys) {
    return std::ranges::max(keys, {}, [](const RedisReply& key) { return key.text.size(); })
        .text.size();
}

void add_scopes(const std::vector<RedisReply>& keys, const KeyForm& form,
                std::vector<Scope>& scopes) {
    for (const RedisReply& key : keys) {
        if (const auto scope = form.scope_in(key.text)) {
            scopes.push_back(*scope);
        }
    }
}

/// Asks for as many keys as fit into a page if they are as long as the longest of the page before.
/// A page without keys, which deletions leave, tells nothing of their length. Until a page has
/// keys, they are taken to be as long as the pattern.
void scan_server(RedisServer& server, const KeyForm& form, std::vector<Scope>& scopes,
                 const std::function<void(const std::vector<Scope>&)>& visit) {
    const std::string pattern = form.pattern();
    std::size_t longest = pattern.size();
    std::size_t most_keys = k_first_page_keys;
    std::string cursor = "0";
    do {
        const std::size_t page_keys = std::clamp(k_page_bytes / longest, std::size_t{1}, most_keys);
        const RedisCommand scan = {"SCAN",  cursor,  "MATCH",
                                   pattern, "COUNT", std::to_string(page_keys)};
        const RedisReply page = server.run({scan}, std::nullopt).front();
        check_reply(server.service(), scan, page);
        const std::vector<RedisReply>& keys = page.list[1].list;
        if (!keys.empty()) {
            longest = longest_of(keys);
        }
        most_keys = std::min(4 * page_keys, k_most_page_keys);
        add_scopes(keys, form, scopes);
        if (scopes.size() >= k_scopes_at_once) {
            visit(std::exchange(scopes, {}));
        }
        cursor = page.list[0].text;
    } while (cursor != "0");
}

} // namespace

void scan_keys(const std::set<RedisServer*>& servers, const KeyForm& form,
               const std::function<void(const std::vector<Scope>&)>& visit) {
    // A key that moves from one server to the next meanwhile may escape the first look.
    const int looks = servers.size() > 1 ? 2 : 1;
    std::vector<Scope> scopes;
    for (int look = 0; look < looks; ++look) {
        for (RedisServer* const server : servers) {
            scan_server(*server, form, scopes, visit);
        }
    }
    visit(scopes);
}

} // namespace ordercache
