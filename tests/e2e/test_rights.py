"""Rights: every command as a role that has what the manual's RIGHTS name, and nothing else."""

import re

import pytest

from documents import MANUAL
from following import install
from orders import CSV, an_order

COMMANDS = [
    (("count",), ""), (("count", "--customer=9999", "--refresh"), ""), (("count", "--no-cache"), ""),
    (("count", "--customers-from=-"), "9999\n1\n"), (an_order(), ""), ((*an_order(), "--dry-run"), ""),
    ((*an_order(), "--no-cache", "-q"), ""), (("add", "--from=-"), CSV), (("add", "--from=-", "--dry-run"), CSV + CSV.partition("\n")[2]),
    (("invalidate",), ""), (("invalidate", "--customer=9999"), ""), (("invalidate", "--stale"), ""),
    (("invalidate", "--stale", "--customer=9999"), ""), (("ttl",), ""),
]


def manual_rights():
    """The GRANTs of the manual's section RIGHTS."""
    section = MANUAL.read_text().split(".Sh RIGHTS")[1].split(".Sh ")[0]
    return re.findall(r"^GRANT .* TO shop;$", section, re.M)


@pytest.fixture
def least(ordercache, postgres, database):
    """The program as a role that neither owns anything nor is a superuser."""
    grants = [grant.replace("TO shop", "TO stranger") for grant in manual_rights()]
    assert len(grants) == 2
    database.execute("".join(grants))
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
