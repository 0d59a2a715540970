"""Rights: every command as a role that has what the manual's RIGHTS name, and nothing else."""

import re

import pytest

from documents import MANUAL
from following import Follower, install
from orders import CSV, an_order
from servers import wait_until

COMMANDS = [
    (("count",), ""), (("count", "--customer=9999", "--refresh"), ""), (("count", "--no-cache"), ""),
    (("count", "--customers-from=-"), "9999\n1\n"), (an_order(), ""), ((*an_order(), "--dry-run"), ""),
    ((*an_order(), "--no-cache", "-q"), ""), (("add", "--from=-"), CSV), (("add", "--from=-", "--dry-run"), CSV + CSV.partition("\n")[2]),
    (("invalidate",), ""), (("invalidate", "--customer=9999"), ""), (("invalidate", "--stale"), ""),
    (("invalidate", "--stale", "--customer=9999"), ""), (("ttl",), ""),
]


def manual_rights():
    """The GRANTs of the manual's section RIGHTS: those on the orders, and those on the known total."""
    section = MANUAL.read_text().split(".Sh RIGHTS")[1].split(".Sh ")[0]
    grants = [grant.replace("TO shop", "TO stranger") for grant in re.findall(r"^GRANT .* TO shop;$", section, re.M)]
    return grants[:2], grants[2:]


@pytest.fixture
def least(ordercache, postgres, database):
    """The program as a role that neither owns anything nor is a superuser."""
    database.execute("".join(manual_rights()[0]))
    ordercache.environment["PG_SERVICE_URI"] = postgres.uri(user="stranger", password="known")
    return ordercache


def assert_every_command_runs(least):
    for arguments, stdin in COMMANDS:
        run = least(*arguments, stdin=stdin)
        assert (run.status in (0, 1 if arguments[0] == "ttl" else 0), run.stderr) == (True, ""), arguments


def test_the_manuals_rights_are_enough_for_every_command(least, database):
    assert_every_command_runs(least)
    install(least, database)
    assert_every_command_runs(least)


def test_the_manuals_further_rights_are_enough_for_the_known_total(least, database, postgres):
    install(least, database)
    database.execute("".join(manual_rights()[1]))
    assert_every_command_runs(least)
    assert database.value("SELECT count(*) FROM ordercache.change WHERE customer IS NOT NULL AND is_handled") == 0
    follower = Follower(least, PG_SERVICE_URI=postgres.uri())
    wait_until(lambda: database.value("SELECT ordercache.known_total('orders', '')") is not None, what="the known total")
    database.execute("UPDATE ordercache.total SET orders = 7000000")
    assert least("count", "--no-cache").stdout == "7000000\n"
    run = least("invalidate", "--stale")
    assert (run.status, "the known total is wrong" in run.stderr) == (0, True)
    follower.end()
