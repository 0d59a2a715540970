"""What a Tab offers, in each of the shells; and that the completions, the manual and --help know the same options."""

import datetime
import pathlib
import re
import subprocess

import pytest

import shells

COMMANDS = {"count", "add", "invalidate", "ttl"}
MANUAL = pathlib.Path(__file__).resolve().parents[2] / "man" / "ordercache.1"


@pytest.fixture(params=[shells.Bash, shells.Zsh, shells.Fish], ids=lambda kind: kind.name)
def shell(request, tmp_path):
    shell = request.param(tmp_path)
    yield shell
    shell.end()


@pytest.fixture(params=[shells.Bash, shells.Zsh], ids=lambda kind: kind.name)
def shell_at_a_terminal(request, tmp_path):
    shell = request.param(tmp_path)
    yield shell
    shell.end()


def options(offered):
    """Without the = that fish adds where a value may follow."""
    return {word.rstrip("=") for word in offered if word.startswith("-")}


def test_the_first_word_is_a_command(shell):
    assert set(shell.offers("ordercache ")) == COMMANDS | {"help"}
    assert shell.offers("ordercache i") == ["invalidate"]


def test_options_may_come_before_the_command(shell):
    assert "--json" in shell.offers("ordercache -")
    assert set(shell.offers("ordercache --timeout 5 -v ")) == COMMANDS | {"help"}
    assert "--refresh" in shell.offers("ordercache --json count -")


@pytest.mark.parametrize("option", ["--from count", "--customers-from=add", "--timeout=5 --from ttl", "--customer help"])
def test_the_value_of_an_option_is_not_the_command(shell, option):
    assert set(shell.offers(f"ordercache {option} ")) == COMMANDS | {"help"}
    offered = options(shell.offers(f"ordercache {option} ttl -"))
    assert "--json" in offered and not offered & {"--dry-run", "--refresh"}


def test_a_command_s_own_options_need_the_command(shell):
    assert "--customer" not in shell.offers("ordercache -")
    assert "--refresh" not in shell.offers("ordercache ttl -")


def test_help_takes_a_command(shell):
    assert set(shell.offers("ordercache help ")) == COMMANDS


def test_date_offers_today(shell):
    today = datetime.date.today()
    offered = shell.offers("ordercache add --date ") + shell.offers("ordercache add --date=")
    assert offered in ([f"{day}", f"--date={day}"] for day in (today, datetime.date.today()))


def test_follow_sql_offers_its_removal(shell, tmp_path):
    (tmp_path / "one.csv").touch()
    assert shell.offers("ordercache invalidate --follow-sql=") in (["remove"], ["--follow-sql=remove"])
    assert "remove" not in shell.offers("ordercache invalidate --follow-sql ")


@pytest.mark.parametrize("start", ["count --customers-from ", "add --from "])
def test_a_file_is_offered_by_its_name(shell, start, tmp_path):
    (tmp_path / "one.csv").touch()
    (tmp_path / "two words.csv").touch()
    assert shell.offers(f"ordercache {start}") == ["one.csv", "two words.csv"]


@pytest.mark.parametrize("start", ["count --customer ", "add --net ", "add --tax ", "ttl --timeout "])
def test_a_number_is_not_guessed_at(shell, start, tmp_path):
    (tmp_path / "one.csv").touch()
    assert shell.offers(f"ordercache {start}") == []


def test_an_option_that_was_given_is_not_offered_again(shell_at_a_terminal):
    offered = shell_at_a_terminal.offers("ordercache add --json --net 5 --tax=1 -")
    assert "--date" in offered
    assert not {"--json", "--net", "--tax"} & set(offered)


def test_customers_of_a_count_are_offered_again(shell):
    assert "--customer" in shell.offers("ordercache count --customer 5 -")
    assert "--customer" in shell.offers("ordercache count --customer=5 -")


def test_a_tab_completes_what_is_meant_alone(shell_at_a_terminal):
    assert shell_at_a_terminal.press_tab("ordercache inv") == ["invalidate"]
    assert shell_at_a_terminal.press_tab("ordercache count --ref") == ["count", "--refresh"]


def test_a_tab_quotes_a_file_s_name(shell_at_a_terminal, tmp_path):
    (tmp_path / "two words.csv").touch()
    assert shell_at_a_terminal.press_tab("ordercache add --from two") == ["add", "--from", "two words.csv"]


@pytest.mark.parametrize("kind", [shells.Zsh, shells.Fish], ids=lambda kind: kind.name)
def test_what_is_offered_is_described(kind, tmp_path):
    shell = kind(tmp_path)
    try:
        assert re.search("invalidate[ \t-]+drop cached counts", shell.lists("ordercache "), re.IGNORECASE)
        assert re.search("--json[ \t-]+print the answer as JSON", shell.lists("ordercache ttl -"), re.IGNORECASE)
    finally:
        shell.end()


def listed(page):
    """The options that stand at the start of a line of the page, with and without a letter."""
    lines = re.findall(r"^ +(?:(-\w)(?:, | (?=--)))?(--[a-z-]+)", page, re.MULTILINE)
    return {name for line in lines for name in line if name}


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_the_completions_offer_the_options_that_help_lists(shell, program, command):
    in_help = listed(program("help", command).stdout)
    assert "--json" in in_help
    assert options(shell.offers(f"ordercache {command} -")) == in_help


def test_the_completions_offer_the_options_that_every_command_has(shell, program):
    assert options(shell.offers("ordercache -")) == listed(program("--help").stdout)


def test_the_manual_lists_the_options_that_help_lists(program):
    in_help = set().union(*(listed(program("help", command).stdout) for command in COMMANDS))
    page = subprocess.run(
        ["mandoc", "-T", "ascii", "-O", "width=1000", MANUAL], check=True, stdout=subprocess.PIPE, text=True,
    ).stdout
    without_recipes = re.sub(".\b", "", page).split("\nEXAMPLES\n")[0]
    in_manual = listed(without_recipes)
    assert in_manual == in_help
