#include "cli/command_line.hpp"

#include "base/error.hpp"
#include "cli/help.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <utility>

using namespace ordercache;
using namespace std::chrono_literals;

namespace {

using Words = std::vector<const char*>;

std::variant<Invocation, Page> parse(
    Words words, const std::function<CustomerType()>& type = [] { return CustomerType::integer; }) {
    words.insert(words.begin(), "ordercache");
    return parse_command_line(static_cast<int>(words.size()), words.data(), type);
}

Invocation invocation(Words words) {
    return std::get<Invocation>(parse(std::move(words)));
}

template <typename Wanted>
Wanted command(Words words) {
    return std::get<Wanted>(invocation(std::move(words)).command);
}

Page page(Words words) {
    return std::get<Page>(parse(std::move(words)));
}

/// The sentence that the words are refused with; empty where they are not, or not as usage.
std::string refusal(Words words) {
    try {
        parse(std::move(words));
    } catch (const Error& error) {
        return error.kind() == ErrorKind::usage ? error.what() : "";
    }
    return "";
}

bool starts(const std::string& text, std::string_view start) {
    return text.starts_with(start);
}

Words whole_order() {
    return {"add", "--date", "2023-02-10", "--customer", "9999", "--net", "23.00", "--tax", "2.00"};
}

Words whole_order_but(std::string_view option, const char* value) {
    Words words = whole_order();
    *std::next(std::find(words.begin(), words.end(), option)) = value;
    return words;
}

Words with(Words words, std::initializer_list<const char*> more) {
    words.insert(words.end(), more);
    return words;
}

} // namespace

TEST_CASE("count alone asks for the total, through the cache, within 30 seconds") {
    const Invocation asked = invocation({"count"});
    const auto& count = std::get<Count>(asked.command);
    CHECK(count.customers.empty());
    CHECK_FALSE(count.customers_from);
    CHECK(count.cache == CacheUse::normal);
    CHECK(asked.format == Format::text);
    CHECK_FALSE(asked.verbose);
    CHECK_FALSE(asked.quiet);
    CHECK(asked.timeout == 30s);
}

TEST_CASE("count takes customers in the order given, equal ones too") {
    const Words words = {"count", "--customer", "3", "--customer=1", "--customer", "3"};
    CHECK(command<Count>(words).customers == std::vector<CustomerId>{{"3"}, {"1"}, {"3"}});
}

TEST_CASE("count takes customers from a file, or from stdin") {
    CHECK(command<Count>({"count", "--customers-from", "ids.txt"}).customers_from == "ids.txt");
    CHECK(command<Count>({"count", "--customers-from", "-"}).customers_from == "-");
    CHECK(command<Count>({"count", "--customers-from=-"}).customers_from == "-");
}

TEST_CASE("a file is no option that lacks its value") {
    CHECK(refusal({"add", "--from", "--dry-run"}) ==
          "--from: `--dry-run`: a file's name that begins with - needs ./ before it");
    CHECK(refusal({"count", "--customers-from=-v"}) ==
          "--customers-from: `-v`: a file's name that begins with - needs ./ before it");
    CHECK(command<Add>({"add", "--from=./-v"}).from == "./-v");
    CHECK(command<Add>({"add", "--from=a=b"}).from == "a=b");
}

TEST_CASE("a file's name is taken as it is") {
    for (const char* name : {"{}", "[a,b]", "%%", "a b", "'a'", "count"}) {
        CAPTURE(name);
        CHECK(command<Add>({"add", "--from", name}).from == name);
        CHECK(command<Count>({"count", "--customers-from", name}).customers_from == name);
    }
}

TEST_CASE("count deals with the cache as it is told") {
    CHECK(command<Count>({"count", "--refresh"}).cache == CacheUse::refresh);
    CHECK(command<Count>({"count", "--no-cache"}).cache == CacheUse::none);
}

TEST_CASE("add takes an order") {
    const auto add = command<Add>(whole_order());
    REQUIRE(add.order);
    CHECK(to_string(add.order->date) == "2023-02-10");
    CHECK(add.order->customer.text == "9999");
    CHECK(add.order->net.to_string() == "23.00");
    CHECK(add.order->tax.to_string() == "2.00");
    CHECK_FALSE(add.from);
    CHECK(add.use_cache);
    CHECK_FALSE(add.dry_run);
}

TEST_CASE("an amount may be negative") {
    CHECK(command<Add>(whole_order_but("--net", "-5.00")).order->net.to_string() == "-5.00");
    CHECK(command<Add>(whole_order_but("--net", "-5")).order->net.to_string() == "-5.00");
}

TEST_CASE("add takes orders from a file, or from stdin") {
    const auto add = command<Add>({"add", "--from", "orders.csv"});
    CHECK(add.from == "orders.csv");
    CHECK_FALSE(add.order);
    CHECK(command<Add>({"add", "--from", "-"}).from == "-");
}

TEST_CASE("add can leave the cache alone, and can rehearse") {
    CHECK_FALSE(command<Add>(with(whole_order(), {"--no-cache"})).use_cache);
    CHECK(command<Add>({"add", "--from", "-", "--dry-run"}).dry_run);
}

TEST_CASE("invalidate follows, or prints the SQL for that, and then drops nothing") {
    CHECK(command<Invalidate>({"invalidate"}).mode == InvalidateMode::drop);
    CHECK(command<Invalidate>({"invalidate", "--follow"}).mode == InvalidateMode::follow);
    CHECK(command<Invalidate>({"invalidate", "--follow-sql"}).mode ==
          InvalidateMode::print_setup_sql);
    CHECK(command<Invalidate>({"invalidate", "--follow-sql=remove"}).mode ==
          InvalidateMode::print_removal_sql);
    CHECK(starts(refusal({"invalidate", "--follow-sql=drop"}), "--follow-sql: "));
    CHECK(starts(refusal({"invalidate", "--follow=1"}), "--follow: "));
    for (const char* sort : {"--follow", "--follow-sql"}) {
        CHECK(starts(refusal({"invalidate", sort, "--dry-run"}), "-"));
        CHECK(starts(refusal({"invalidate", sort, "--stale"}), "-"));
        CHECK(starts(refusal({"invalidate", sort, "--customer", "5"}), "-"));
        CHECK(starts(refusal({"invalidate", sort, "--json"}), "-"));
    }
    CHECK(starts(refusal({"invalidate", "--follow", "--follow-sql"}), "-"));
}

TEST_CASE("invalidate and ttl take at most one customer") {
    CHECK_FALSE(command<Invalidate>({"invalidate"}).customer);
    CHECK_FALSE(command<Invalidate>({"invalidate"}).dry_run);
    CHECK(command<Invalidate>({"invalidate", "--customer", "5", "--dry-run"}).customer ==
          CustomerId{"5"});
    CHECK(command<Invalidate>({"invalidate", "--customer", "5", "--dry-run"}).dry_run);
    CHECK_FALSE(command<Ttl>({"ttl"}).customer);
    CHECK(command<Ttl>({"ttl", "--customer=5"}).customer == CustomerId{"5"});
    CHECK(refusal({"ttl", "--customer", "5", "--customer", "5"}) ==
          "--customer: may be given only once");
}

TEST_CASE("invalidate drops whatever is there, or what is stale alone") {
    CHECK(command<Invalidate>({"invalidate"}).mode == InvalidateMode::drop);
    const auto stale = command<Invalidate>({"invalidate", "--dry-run", "--stale", "--customer=5"});
    CHECK(stale.mode == InvalidateMode::drop_stale);
    CHECK(stale.customer == CustomerId{"5"});
    CHECK(stale.dry_run);
    CHECK(refusal({"invalidate", "--stale=5"}) == "--stale: takes no value");
}

TEST_CASE("options stand before or after the command") {
    for (const Words& words : {Words{"--json", "-v", "-q", "--timeout", "5", "count"},
                               Words{"count", "--json", "--verbose", "--quiet", "--timeout=5"},
                               Words{"-vq", "--timeout", "5", "count", "--json"}}) {
        const Invocation asked = invocation(words);
        CHECK(asked.format == Format::json);
        CHECK(asked.verbose);
        CHECK(asked.quiet);
        CHECK(asked.timeout == 5s);
    }
    CHECK(command<Count>({"--customer", "7", "count"}).customers == std::vector<CustomerId>{{"7"}});
    CHECK(command<Invalidate>({"--follow-sql=remove", "invalidate"}).mode ==
          InvalidateMode::print_removal_sql);
}

TEST_CASE("a value before the command may have a command's name") {
    CHECK(command<Add>({"--from", "count", "add"}).from == "count");
    CHECK(command<Add>({"--from", "help", "add", "--dry-run"}).from == "help");
    CHECK(command<Count>({"--customers-from", "ttl", "count"}).customers_from == "ttl");
    CHECK(starts(refusal({"--timeout", "add", "count"}), "--timeout: `add`: "));
    CHECK(starts(refusal({"--customer", "count"}), "a command is missing: "));
}

TEST_CASE("a flag may be repeated") {
    CHECK(invocation({"-v", "count", "--verbose"}).verbose);
}

TEST_CASE("a timeout that was given is told from the default") {
    CHECK(invocation({"ttl", "--timeout", "30"}).timeout_was_given);
    CHECK_FALSE(invocation({"ttl"}).timeout_was_given);
}

TEST_CASE("a timeout is a number of seconds, and 0 is none") {
    CHECK(invocation({"ttl", "--timeout", "0.5"}).timeout == 500ms);
    CHECK(invocation({"ttl", "--timeout", "1.25"}).timeout == 1250ms);
    CHECK(invocation({"ttl", "--timeout", "010.007"}).timeout == 10007ms);
    CHECK(invocation({"ttl", "--timeout", "2147483"}).timeout == 2147483s);
    CHECK_FALSE(invocation({"ttl", "--timeout", "0"}).timeout);
    CHECK_FALSE(invocation({"ttl", "--timeout", "0.000"}).timeout);
}

TEST_CASE("what is no timeout is refused with the reason") {
    for (const char* bad :
         {"x", "-1", "+1", "1e3", "1s", " 1", ".5", "5.", "0.0001", "1.2.3", "inf", "nan", "0x10",
          "1,5", ".", "2147483.001", "2147484", "99999999999999999999999999"}) {
        CAPTURE(bad);
        CHECK(
            refusal({"ttl", "--timeout", bad}) ==
            fmt::format("--timeout: `{}`: a timeout is a number of seconds from 0.001 to 2147483, "
                        "such as 30 or 0.5, or 0 for none",
                        bad));
    }
    CHECK(refusal({"ttl", "--timeout", "1", "--timeout", "1"}) ==
          "--timeout: may be given only once");
}

TEST_CASE("a bad value is refused with its option and the reason") {
    for (const char* command : {"count", "invalidate", "ttl"}) {
        for (const char* bad :
             {"0x10", "1e3", "+5", "5 ", "9223372036854775808", "0", "-5", "nan"}) {
            CAPTURE(bad);
            CHECK(starts(refusal({command, "--customer", bad}), "--customer: "));
        }
    }
    CHECK(refusal(whole_order_but("--date", "2023-02-30")) ==
          "--date: `2023-02-30`: there is no such day");
    CHECK(starts(refusal(whole_order_but("--customer", "x")), "--customer: "));
    CHECK(starts(refusal(whole_order_but("--net", "23.005")), "--net: "));
    CHECK(starts(refusal(whole_order_but("--tax", "nan")), "--tax: "));
    CHECK(starts(refusal({"count", "--customer", "1", "--customer", "x"}), "--customer: `x`: "));
}

TEST_CASE("net and tax that are too much together are refused") {
    CHECK(refusal(whole_order_but("--net", "9999999997.99")).empty());
    CHECK(starts(refusal(whole_order_but("--net", "9999999998.00")),
                 "net and tax together must lie"));
}

TEST_CASE("a customer's id is taken as its type has it") {
    const auto customer = [](const char* word, CustomerType type) {
        const auto parsed = parse({"ttl", word}, [type] { return type; });
        return std::get<Ttl>(std::get<Invocation>(parsed).command).customer->text;
    };
    CHECK(customer("--customer=3F2504E0-4F89-11D3-9A0C-0305E82C3301", CustomerType::uuid) ==
          "3f2504e0-4f89-11d3-9a0c-0305e82c3301");
    for (const std::string id : {"-x", "--json", "a=b", "[a,b]", "%%", "'a'", "\"a\"", "a b", " ",
                                 "a,b", "\\", "ttl", "=", "`x`"}) {
        CAPTURE(id);
        CHECK(customer(("--customer=" + id).c_str(), CustomerType::text) == id);
    }
}

TEST_CASE("the type of customers is asked for when there is one, and by no page") {
    const auto refused = []() -> CustomerType { throw usage_error("no such type"); };
    CHECK_NOTHROW(parse({"count"}, refused));
    CHECK_NOTHROW(parse({"invalidate", "--follow-sql=remove"}, refused));
    CHECK_NOTHROW(parse({"count", "--customer", "5", "--help"}, refused));
    CHECK_NOTHROW(parse({"--version", "--customer", "5"}, refused));
    CHECK_THROWS_WITH_AS(parse({"count", "--customer", "5"}, refused), "no such type", Error);
}

TEST_CASE("010 is customer ten") {
    CHECK(command<Ttl>({"ttl", "--customer", "010"}).customer == CustomerId{"10"});
}

TEST_CASE("an empty value is refused, and takes no other word for the value") {
    for (const char* option : {"--customer", "--customers-from", "--timeout"}) {
        CAPTURE(option);
        CHECK(refusal({"count", option, ""}) == fmt::format("{}: the value is empty", option));
        const std::string assigned = fmt::format("{}=", option);
        CHECK(refusal({"count", assigned.c_str(), "5"}) ==
              fmt::format("{}: the value is empty", option));
    }
    for (const char* option : {"--date", "--customer", "--net", "--tax"}) {
        CAPTURE(option);
        CHECK(refusal(whole_order_but(option, "")) ==
              fmt::format("{}: the value is empty", option));
    }
    CHECK(refusal({"add", "--from="}) == "--from: the value is empty");
}

TEST_CASE("a missing value is named, whatever comes instead") {
    CHECK(refusal({"count", "--customer"}) == "--customer: a value is missing");
    CHECK(refusal({"ttl", "--timeout"}) == "--timeout: a value is missing");
    CHECK(refusal({"ttl", "--customer", "5", "--customer"}) == "--customer: a value is missing");
    for (const char* next : {"--json", "-v", "--"}) {
        CHECK(starts(refusal({"count", "--customer", next}),
                     fmt::format("--customer: `{}`: ", next)));
    }
}

TEST_CASE("a flag takes no value") {
    CHECK(refusal({"count", "--json=false"}) == "--json: takes no value");
    CHECK(refusal({"add", "--from", "-", "--dry-run=no"}) == "--dry-run: takes no value");
    CHECK_FALSE(refusal({"count", "-v=1"}).empty());
}

TEST_CASE("an option of another command is unknown") {
    CHECK(
        refusal({"ttl", "--refresh"}) ==
        "unknown option `--refresh`: there are --customer, --json, --verbose, --quiet, --timeout, "
        "--help and --version");
    CHECK(starts(refusal({"count", "--dry-run"}), "unknown option `--dry-run`: there are "));
    CHECK(starts(refusal({"--from", "-", "invalidate"}), "unknown option `--from`: there are "));
    CHECK(starts(refusal({"ttl", "--date", "x"}), "unknown option `--date`: there are "));
    CHECK(starts(refusal({"ttl", "--refresh", "--no-cache"}), "unknown option `--refresh`: "));
    CHECK(refusal({"--versoin"}) == "unknown option `--versoin`: did you mean `--version`?");
    CHECK(
        refusal({"--xyzzy"}) ==
        "unknown option `--xyzzy`: there are --customer, --customers-from, --refresh, --no-cache, "
        "--date, --net, --tax, --from, --dry-run, --stale, --follow, --follow-sql, --json, "
        "--verbose, --quiet, --timeout, --help and --version");
    CHECK(refusal({"--custmer", "5"}) == "unknown option `--custmer`: did you mean `--customer`?");
}

TEST_CASE("options that contradict each other are refused") {
    CHECK(refusal({"count", "--refresh", "--no-cache"}) == "--refresh excludes --no-cache");
    CHECK(refusal({"count", "--customers-from", "-", "--customer", "5"}) ==
          "--customer excludes --customers-from");
    CHECK(refusal({"add", "--from", "-", "--net", "1"}) == "--net excludes --from");
}

TEST_CASE("whatever an order lacks is named") {
    const std::string or_file = ", or --from with a file of orders";
    CHECK(refusal({"add"}) == "`add` needs --date, --customer, --net and --tax" + or_file);
    CHECK(refusal({"add", "--net", "1", "--date", "2023-02-10"}) ==
          "`add` needs --customer and --tax" + or_file);
    CHECK(refusal({"add", "--net", "1", "--date", "2023-02-10", "--tax", "1"}) ==
          "`add` needs --customer" + or_file);
    CHECK(refusal({"add", "--dry-run", "--tax", "1"}) ==
          "`add` needs --date, --customer and --net" + or_file);
}

TEST_CASE("a file's or an order's option may be given only once") {
    CHECK(refusal({"add", "--from", "a", "--from", "b"}) == "--from: may be given only once");
    CHECK(refusal(with(whole_order(), {"--customer", "1"})) ==
          "--customer: may be given only once");
    CHECK(refusal({"count", "--customers-from", "a", "--customers-from", "a"}) ==
          "--customers-from: may be given only once");
}

TEST_CASE("an unknown command is named with the nearest that exists") {
    CHECK(refusal({"invaldate"}) == "unknown command `invaldate`: did you mean `invalidate`?");
    CHECK(refusal({"cuont"}) == "unknown command `cuont`: did you mean `count`?");
    CHECK(refusal({"xyzzy"}) ==
          "unknown command `xyzzy`: there are count, add, invalidate, ttl and help");
    CHECK(refusal({""}) == "unknown command ``: there are count, add, invalidate, ttl and help");
    CHECK(refusal({"COUNT"}) ==
          "unknown command `COUNT`: there are count, add, invalidate, ttl and help");
}

TEST_CASE("an unknown option is named with the nearest that exists") {
    CHECK(refusal({"count", "--custmer", "5"}) ==
          "unknown option `--custmer`: did you mean `--customer`?");
    CHECK(refusal({"add", "--custmer", "5"}) ==
          "unknown option `--custmer`: did you mean `--customer`?");
    CHECK(refusal({"count", "--jsn=1"}) == "unknown option `--jsn`: did you mean `--json`?");
    CHECK(refusal({"--versoin"}) == "unknown option `--versoin`: did you mean `--version`?");
    CHECK(starts(refusal({"ttl", "--xyzzy"}), "unknown option `--xyzzy`: there are --customer, "));
    CHECK(starts(refusal({"ttl", "-x"}), "unknown option `-x`: there are --customer, "));
    CHECK_FALSE(refusal({"ttl", "-verbose"}).empty());
}

TEST_CASE("only options of the command are suggested") {
    CHECK(refusal({"count", "--refrsh"}) == "unknown option `--refrsh`: did you mean `--refresh`?");
    CHECK(starts(refusal({"ttl", "--refrsh"}), "unknown option `--refrsh`: there are "));
}

TEST_CASE("an option is not abbreviated, but what is meant is told") {
    CHECK(refusal({"count", "--cust", "5"}) ==
          "unknown option `--cust`: did you mean `--customer`?");
    CHECK(refusal({"count", "--customers-f", "5"}) ==
          "unknown option `--customers-f`: did you mean `--customers-from`?");
    CHECK(refusal({"inv"}) == "unknown command `inv`: did you mean `invalidate`?");
}

TEST_CASE("what is refused is shown without what a terminal would obey") {
    CHECK(starts(refusal({"count", "--customer", "\x1b[31m1"}), "--customer: `?[31m1`: "));
    CHECK(starts(refusal({"\x1b[31mcuont"}), "unknown command `?[31mcuont`: "));
    CHECK(starts(refusal({"count", "--x\ny"}), "unknown option `--x?y`: "));
    CHECK(refusal({"count", "a\nb"}) == "unexpected argument `a?b`");
}

TEST_CASE("a word too many is refused") {
    CHECK(refusal({"count", "5x"}) == "unexpected argument `5x`");
    CHECK(refusal({"count", ""}) == "unexpected argument ``");
    CHECK(refusal({"count", "ttl"}) == "unexpected argument `ttl`");
    CHECK(refusal({"count", "-5"}) == "unexpected argument `-5`");
    CHECK(refusal({"ttl", "-"}) == "unexpected argument `-`");
}

TEST_CASE("a number too many is taken for a customer") {
    CHECK(refusal({"count", "5"}) == "unexpected argument `5`: did you mean `--customer 5`?");
    CHECK(refusal({"count", "--customer", "5", "6"}) ==
          "unexpected argument `6`: did you mean `--customer 6`?");
}

TEST_CASE("a -- after the command changes nothing") {
    CHECK(std::holds_alternative<Count>(invocation({"count", "--"}).command));
    CHECK(refusal({"count", "--", "x"}) == "unexpected argument `x`");
    CHECK(starts(refusal({"count", "--", "--bogus"}), "unknown option `--bogus`: "));
}

TEST_CASE("a command must be given") {
    CHECK(refusal({"--json"}) ==
          "a command is missing: the commands are count, add, invalidate, ttl and help");
    CHECK(refusal({"--"}) ==
          "a command is missing: the commands are count, add, invalidate, ttl and help");
    CHECK(refusal({"--customer", "5"}) ==
          "a command is missing: the commands are count, add, invalidate, ttl and help");
}

TEST_CASE("no argument at all gets the short help, as wrong usage") {
    const Page help = page({});
    CHECK_FALSE(help.was_asked_for);
    CHECK(help.text.find("ordercache help COMMAND") != std::string::npos);
    CHECK(help.text != page({"--help"}).text);

    const Page without_name = std::get<Page>(parse_command_line(0, nullptr, {}));
    CHECK(without_name.text == help.text);
}

TEST_CASE("the version is a page") {
    CHECK(page({"--version"}).text == version_page());
    CHECK(starts(page({"--version"}).text, "ordercache 1."));
    CHECK(page({"--version"}).was_asked_for);
    CHECK(page({"-V"}).text == page({"--version"}).text);
    CHECK(page({"count", "--version"}).text == page({"--version"}).text);
}

TEST_CASE("help is asked for in several ways, and needs nothing else to be right") {
    CHECK(page({"-h"}).text == page({"--help"}).text);
    CHECK(page({"help"}).text == page({"--help"}).text);
    CHECK(page({"help", "help"}).text == page({"--help"}).text);
    CHECK(page({"help", "--help"}).text == page({"--help"}).text);
    CHECK(page({"--help"}).was_asked_for);
    for (const char* command : {"count", "add", "invalidate", "ttl"}) {
        CAPTURE(command);
        const std::string help = page({command, "--help"}).text;
        CHECK(help.find(fmt::format("Usage: ordercache {} ", command)) != std::string::npos);
        CHECK(page({"help", command}).text == help);
        CHECK(page({"--help", command}).text == help);
        CHECK(page({"--json", "help", command}).text == help);
        CHECK(page({command, "-h", "--customer", "x"}).text == help);
        CHECK(page({command, "--customer", "x", "-h"}).text == help);
    }
}

TEST_CASE("help on what does not exist is refused") {
    CHECK(refusal({"help", "cuont"}) == "unknown command `cuont`: did you mean `count`?");
    CHECK(refusal({"help", "count", "add"}) == "unexpected argument `add`");
    CHECK(refusal({"count", "help"}) == "unexpected argument `help`");
    CHECK(refusal({"count", "--hepl"}) == "unknown option `--hepl`: did you mean `--help`?");
}

namespace {

/// The options that a page lists, each at the start of its line.
std::set<std::string> listed_options(const std::string& help) {
    std::set<std::string> options;
    std::istringstream lines(help);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t dashes = line.find("--");
        if (dashes == 6) {
            options.insert(line.substr(dashes, line.find_first_of(" [\n", dashes) - dashes));
        }
    }
    return options;
}

std::set<std::string> with_common(std::set<std::string> options) {
    options.insert({"--json", "--verbose", "--quiet", "--timeout", "--help", "--version"});
    return options;
}

} // namespace

TEST_CASE("a command's help lists the options that it takes, and no other") {
    CHECK(listed_options(page({"help", "count"}).text) ==
          with_common({"--customer", "--customers-from", "--refresh", "--no-cache"}));
    CHECK(listed_options(page({"help", "add"}).text) ==
          with_common(
              {"--date", "--customer", "--net", "--tax", "--from", "--no-cache", "--dry-run"}));
    CHECK(listed_options(page({"help", "invalidate"}).text) ==
          with_common({"--customer", "--stale", "--dry-run", "--follow", "--follow-sql"}));
    CHECK(listed_options(page({"help", "ttl"}).text) == with_common({"--customer"}));
}

TEST_CASE("the program's help lists the options of every command") {
    CHECK(listed_options(page({"help"}).text) == with_common({}));
}

TEST_CASE("a page has its parts in their order, an empty line between them") {
    const std::string help = page({"help", "ttl"}).text;
    CHECK(starts(help, "Print the seconds"));
    CHECK(help.find("\n\nUsage: ordercache ttl [OPTION]...\n\nExamples:\n  ordercache ttl\n") !=
          std::string::npos);
    CHECK(help.find(
              "\n  ordercache ttl --customer 9999\n\nOptions:\n      --customer N       Look") !=
          std::string::npos);
    CHECK(help.find("total\n\nOptions of every command, before or after it:\n      --json   ") !=
          std::string::npos);
    CHECK(help.find("\n  -V, --version          Print the version\n\nEnvironment:\n") !=
          std::string::npos);
    CHECK(help.ends_with("\n  128+n  Ended by signal n\n"));
    CHECK(help.find("\n\n\n") == std::string::npos);
}

TEST_CASE("every help fits 80 columns and shows examples") {
    for (const char* command : {"", "count", "add", "invalidate", "ttl"}) {
        const std::string help =
            *command == '\0' ? page({"help"}).text : page({"help", command}).text;
        CHECK(help.find("\nExamples:\n  ordercache ") != std::string::npos);
        CHECK(help.find("\nExit status:") != std::string::npos);
        CHECK(help.find("\nEnvironment:\n") != std::string::npos);
        std::istringstream lines(help);
        for (std::string line; std::getline(lines, line);) {
            CAPTURE(line);
            CHECK(line.size() <= 80);
            CHECK_FALSE(line.ends_with(' '));
        }
    }
}
