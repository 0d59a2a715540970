#include "cli/help.hpp"

#include "base/uri.hpp"
#include "cli/pages.hpp"
#include "commit.hpp"

#include <algorithm>

namespace ordercache {

namespace {

/// Where a page has the part that all pages have in common.
constexpr std::string_view k_common_part = "{common}\n";

constexpr std::array<std::string_view, k_commands.size()> k_pages = {
    pages::k_count, pages::k_add, pages::k_invalidate, pages::k_ttl, pages::k_ordercache};

std::string_view page_of(std::string_view command) {
    return k_pages.at(
        static_cast<std::size_t>(std::ranges::find(k_commands, command) - k_commands.begin()));
}

void append_options(std::string_view page, std::vector<std::string_view>& names) {
    constexpr std::size_t k_column = 6; // behind the short name, as in `  -v, --verbose`
    for (const std::string_view line : split(page, '\n')) {
        if (line.find("--") == k_column) {
            const std::string_view option = line.substr(k_column);
            const std::string_view name = option.substr(0, option.find_first_of(" ["));
            if (std::ranges::find(names, name) == names.end()) {
                names.push_back(name);
            }
        }
    }
}

} // namespace

std::vector<std::string_view> option_names(std::string_view command) {
    std::vector<std::string_view> names;
    for (const std::string_view each : k_commands) {
        if (command.empty() || command == each) {
            append_options(page_of(each), names);
        }
    }
    append_options(pages::k_common, names);
    return names;
}

std::string help_page(std::string_view command) {
    std::string page(page_of(command));
    return page.replace(page.find(k_common_part), k_common_part.size(), pages::k_common);
}

std::string short_help_page() {
    const std::string_view page = pages::k_ordercache;
    return std::string(page.substr(0, page.find(k_common_part))) +
           "See `ordercache help COMMAND` for its options and examples.\n";
}

std::string version_page() {
    const std::string commit = ORDERCACHE_COMMIT;
    return "ordercache " ORDERCACHE_VERSION + (commit.empty() ? "" : " (commit " + commit + ')') +
           '\n';
}

} // namespace ordercache
