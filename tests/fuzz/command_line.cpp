// The command line, a word a line: what is understood is written as other words and understood the
// same; what is not is a usage error with a sentence.

#include "cli/command_line.hpp"

#include "base/error.hpp"
#include "base/uri.hpp"
#include "fuzzing.hpp"

namespace {

using namespace ordercache;
using Words = std::vector<std::string>;

void add_flag(Words& words, const char* name, bool given) {
    if (given) {
        words.emplace_back(name);
    }
}

void add_customer(Words& words, const CustomerId& customer) {
    words.push_back("--customer=" + customer.text);
}

template <typename Value>
void add_value(Words& words, const char* name, const std::optional<Value>& value) {
    if (value) {
        words.push_back(fmt::format("{}={}", name, *value));
    }
}

Words to_words(const Count& count) {
    Words words = {"count"};
    for (const CustomerId& customer : count.customers) {
        add_customer(words, customer);
    }
    add_value(words, "--customers-from", count.customers_from);
    add_flag(words, "--refresh", count.cache == CacheUse::refresh);
    add_flag(words, "--no-cache", count.cache == CacheUse::none);
    return words;
}

Words to_words(const Add& add) {
    require(add.order.has_value() != add.from.has_value(), "add has one order or a file");
    Words words = {"add"};
    if (add.order) {
        add_value(words, "--date", std::optional(to_string(add.order->date)));
        add_customer(words, add.order->customer);
        add_value(words, "--net", std::optional(add.order->net.to_string()));
        add_value(words, "--tax", std::optional(add.order->tax.to_string()));
    }
    add_value(words, "--from", add.from);
    add_flag(words, "--no-cache", !add.use_cache);
    add_flag(words, "--dry-run", add.dry_run);
    return words;
}

Words to_words(const Invalidate& invalidate) {
    Words words = {"invalidate"};
    if (invalidate.customer) {
        add_customer(words, *invalidate.customer);
    }
    add_flag(words, "--stale", invalidate.mode == InvalidateMode::drop_stale);
    add_flag(words, "--dry-run", invalidate.dry_run);
    add_flag(words, "--follow", invalidate.mode == InvalidateMode::follow);
    add_flag(words, "--follow-sql", invalidate.mode == InvalidateMode::print_setup_sql);
    add_flag(words, "--follow-sql=remove", invalidate.mode == InvalidateMode::print_removal_sql);
    return words;
}

Words to_words(const Ttl& ttl) {
    Words words = {"ttl"};
    if (ttl.customer) {
        add_customer(words, *ttl.customer);
    }
    return words;
}

Words to_words(const Invocation& invocation) {
    Words words =
        std::visit([](const auto& command) { return to_words(command); }, invocation.command);
    add_flag(words, "--json", invocation.format == Format::json);
    add_flag(words, "-v", invocation.verbose);
    add_flag(words, "-q", invocation.quiet);
    add_value(
        words, "--timeout",
        std::optional(seconds(invocation.timeout.value_or(std::chrono::milliseconds::zero()))));
    return words;
}

/// Absent: refused, or a page.
std::optional<Invocation> understood(const Words& words, CustomerType type) {
    std::vector<const char*> arguments = {"ordercache"};
    for (const std::string& word : words) {
        arguments.push_back(word.c_str());
    }
    try {
        auto parsed = parse_command_line(static_cast<int>(arguments.size()), arguments.data(),
                                         [&] { return type; });
        if (auto* invocation = std::get_if<Invocation>(&parsed)) {
            return std::move(*invocation);
        }
        require(!std::get<Page>(parsed).text.empty(), "a page says something");
    } catch (const Error& error) {
        require(error.kind() == ErrorKind::usage, "a refusal is a usage error");
        require(!std::string_view(error.what()).empty(), "a refusal says why");
    }
    return std::nullopt;
}

} // namespace

FUZZER(command_line, input) {
    const auto lines = split(input, '\n');
    for (const auto type : {CustomerType::integer, CustomerType::uuid, CustomerType::text}) {
        if (const auto invocation = understood({lines.begin(), lines.end()}, type)) {
            const Words words = to_words(*invocation);
            const auto again = understood(words, type);
            require(again && to_words(*again) == words, "what was understood is understood again");
        }
    }
}
