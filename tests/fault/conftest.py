"""The options, the order of the tests, and what they measured, told at the end of the run."""

import contextlib
import pathlib
import subprocess

import pytest

# Each file is one worker's: those that take longest begin first.
LONGEST = ("test_histories.py", "test_crash_points.py", "test_following.py", "test_cut_wires.py")

# Carts lie in the table beside the orders. The tests know the orders by the view, where each begins as a cart.
ANOTHER_SHAPE = """
    ALTER TABLE orders RENAME TO "Sale";
    ALTER TABLE "Sale" DROP CONSTRAINT fk_customerid;
    ALTER TABLE "Sale" RENAME orderid TO id;
    ALTER TABLE "Sale" RENAME customerid TO "userId";
    ALTER TABLE "Sale" RENAME orderdate TO "paidAt";
    ALTER TABLE "Sale" RENAME netamount TO net_total;
    ALTER TABLE "Sale" RENAME totalamount TO "grandTotal";
    ALTER TABLE "Sale" ALTER id DROP DEFAULT, ALTER id TYPE text, ALTER id SET DEFAULT gen_random_uuid(),
        ALTER "userId" TYPE text USING 'cus_' || "userId", ALTER "paidAt" DROP NOT NULL, ALTER tax SET DEFAULT 0;
    INSERT INTO "Sale" ("userId", net_total, "grandTotal") SELECT "userId", 1, 1 FROM "Sale";
    CREATE VIEW orders AS
        SELECT id AS orderid, "paidAt" AS orderdate, "userId" AS customerid, net_total AS netamount, tax, "grandTotal" AS totalamount
        FROM "Sale" WHERE "paidAt" IS NOT NULL;
    CREATE FUNCTION order_by_a_cart() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        cart text;
    BEGIN
        INSERT INTO "Sale" ("userId", net_total, "grandTotal") VALUES (NEW.customerid, NEW.netamount, NEW.totalamount)
        RETURNING id INTO cart;
        UPDATE "Sale" SET "paidAt" = NEW.orderdate WHERE id = cart;
        RETURN NEW;
    END
    $$;
    CREATE TRIGGER order_by_a_cart INSTEAD OF INSERT ON orders FOR EACH ROW EXECUTE FUNCTION order_by_a_cart();
"""
ANOTHER_VIEW = {
    "ORDERS_TABLE": '"Sale"',
    "ORDERS_COLUMNS": 'orderid=id customerid="userId" orderdate="paidAt" netamount=net_total tax= totalamount="grandTotal"',
    "ORDERS_WHERE": '"paidAt" IS NOT NULL',
    "ORDERS_CUSTOMER_TYPE": "text",
}


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="the complete runs instead of CI's")
    parser.addoption("--seed", type=int, help="which third of the crash points to try without --full; by default the commit decides")


def pytest_collection_modifyitems(items):
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


@pytest.fixture
def full(request):
    return request.config.getoption("--full")


@pytest.fixture
def seed(request):
    return chosen_seed(request.config)


@pytest.fixture
def another_shape(ordercache, database):
    """Makes another shop's table of the Dell Store's, with customers such as cus_101."""
    database.execute(ANOTHER_SHAPE)
    ordercache.environment.update(ANOTHER_VIEW)


@pytest.fixture
def customer(request):
    """The parameter; one such as cus_101 is of another shape."""
    if request.param.startswith("cus_"):
        request.getfixturevalue("another_shape")
    return request.param


def chosen_seed(config):
    """The commit's, so that the next one tries other points, if none is given. A copy of the files has none, nor need it have git."""
    if (given := config.getoption("--seed")) is not None:
        return given
    commit = ""
    with contextlib.suppress(FileNotFoundError):
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=pathlib.Path(__file__).parent, capture_output=True, text=True, check=False,
        ).stdout
    return int(commit[:6] or "0", 16)


@pytest.hookimpl(tryfirst=True)
def pytest_terminal_summary(terminalreporter, config):
    """A line for each figure; where several tests give a number of one name, the greatest."""
    if not config.getoption("--full"):
        terminalreporter.write_line(f"seed: {chosen_seed(config)}, which --seed takes")
    greatest = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                for name, figure in report.user_properties:
                    if isinstance(figure, str):
                        terminalreporter.write_line(f"{name}: {figure}")
                    else:
                        greatest[name] = max(figure, greatest.get(name, figure))
    for name, figure in greatest.items():
        terminalreporter.write_line(f"{name}: {figure}")
