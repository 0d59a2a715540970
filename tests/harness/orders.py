"""The order that the tests add, and what PostgreSQL holds."""

LAST_ORDER = 12000
NEXT_ORDER = 12001

CSV = "date,customer,net,tax\n2023-03-10,9999,23.00,1.80\n"
"""A file with that order."""


def an_order(date="2023-03-10", customer=9999, net="23.00", tax="1.80"):
    """Arguments of `add`. Joined by `=`, so that a value of any look is a value."""
    return ["add", f"--date={date}", f"--customer={customer}", f"--net={net}", f"--tax={tax}"]


def added(database):
    """The orders that were added to the store, in full: the amounts exact, the date as PostgreSQL writes it."""
    return database.rows(
        "SELECT orderdate::text, customerid, netamount::text, tax::text, totalamount::text FROM orders"
        " WHERE orderid > %s ORDER BY orderid",
        LAST_ORDER,
    )
