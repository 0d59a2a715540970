"""Tables of orders as real shops have them: names and types alone, for the manual's sections about them."""

import re
from dataclasses import dataclass, field


@dataclass
class Shop:
    table: str
    definition: str
    customer: str
    """The column that names the customer."""
    customers: tuple
    """Two customers, as PostgreSQL writes them."""
    order: dict = field(default_factory=dict)
    """The values that make a row an order."""
    cart: dict = field(default_factory=dict)
    """The values of a row that is not an order. Empty if every row is one."""
    is_order: str = "true"
    """Whether a row is an order, in SQL."""
    date: str = ""
    """A column with a date that a row needs."""
    amounts: tuple = ()
    """The columns of amounts."""
    has_guests: bool = True
    """Whether an order may be without a customer."""
    needs_id: bool = False
    """Whether an order's id has no default."""

    def create(self, database):
        database.execute(f"DROP TABLE IF EXISTS orders CASCADE; CREATE TABLE {self.table} ({self.definition})")

    def insert(self, customer, values, number=1):
        """An INSERT of that many rows; None is a guest."""
        row = {self.customer: _literal(customer), **values, **dict.fromkeys(self.amounts, "12.50")}
        if self.date:
            row[self.date] = "'2026-11-01'"
        source = f"FROM generate_series(1, {number}) AS made"
        if self.needs_id:
            row[self.key] = f"made + (SELECT coalesce(max({self.key}), 0) FROM {self.table})"
        return f"INSERT INTO {self.table} ({', '.join(row)}) SELECT {', '.join(row.values())} {source}"

    def update(self, customer, values):
        """An UPDATE of all rows of that customer."""
        return self.update_where(f"{self.customer} = {_literal(customer)}", values)

    def update_where(self, condition, values):
        changes = ", ".join(f"{column} = {value}" for column, value in values.items())
        return f"UPDATE {self.table} SET {changes} WHERE {condition}"

    def move(self, customer, other):
        return self.update(customer, {self.customer: _literal(other)})

    def delete(self, customer):
        return f"DELETE FROM {self.table} WHERE {self.customer} = {_literal(customer)}"

    def truth(self, database, customer=None):
        """The number of orders, in all or of a customer."""
        is_counted = "" if customer is None else f" AND {self.customer} = {_literal(customer)}"
        return database.value(f"SELECT count(*) FROM {self.table} WHERE {self.is_order}{is_counted}")

    @property
    def key(self):
        """The column of the order's id: the first one of the definition."""
        return re.match(r'\s*("\w+"|\w+)', self.definition)[1]


def _literal(value):
    return "NULL" if value is None else f"'{value}'"


SHOPS = {
    "Saleor": Shop(
        table="order_order",
        definition="""id uuid PRIMARY KEY DEFAULT gen_random_uuid(), created_at timestamptz NOT NULL, status varchar(32) NOT NULL
            DEFAULT 'unfulfilled', user_id integer, total_net_amount numeric(20,3) NOT NULL,
            total_gross_amount numeric(20,3) NOT NULL""",
        customer="user_id", customers=("17", "2018"),
        order={"status": "'unfulfilled'"}, cart={"status": "'draft'"}, is_order="status = 'unfulfilled'",
        date="created_at",
        amounts=("total_net_amount", "total_gross_amount"),
    ),
    "Solidus and Spree": Shop(
        table="spree_orders",
        definition="""id serial PRIMARY KEY, user_id integer, state varchar, completed_at timestamp,
            item_total numeric(10,2) NOT NULL DEFAULT 0, additional_tax_total numeric(10,2) DEFAULT 0,
            total numeric(10,2) NOT NULL DEFAULT 0""",
        customer="user_id", customers=("17", "2018"),
        order={"completed_at": "'2026-11-01 10:00'"}, cart={"completed_at": "NULL"}, is_order="completed_at > '2000-01-01'",
        amounts=("item_total", "additional_tax_total", "total"),
    ),
    "Medusa": Shop(
        table='"order"',
        definition="""id text PRIMARY KEY DEFAULT 'order_' || gen_random_uuid(), customer_id text, status text NOT NULL DEFAULT 'pending',
            is_draft_order boolean NOT NULL DEFAULT false, deleted_at timestamptz""",
        customer="customer_id", customers=("cus_01JCF5P2ZK", "cus_01JCF5P2ZL"),
        order={"is_draft_order": "false"}, cart={"is_draft_order": "true"}, is_order="NOT is_draft_order AND deleted_at IS NULL",
    ),
    "Vendure": Shop(
        table='"order"',
        definition="""id serial PRIMARY KEY, "orderPlacedAt" timestamp, active boolean NOT NULL DEFAULT true, "customerId" integer,
            "subTotal" integer NOT NULL, "subTotalWithTax" integer NOT NULL""",
        customer='"customerId"', customers=("17", "2018"),
        order={"active": "false"}, cart={"active": "true"}, is_order="active IS FALSE", amounts=('"subTotal"', '"subTotalWithTax"'),
    ),
    "Odoo": Shop(
        table="sale_order",
        definition="""id serial PRIMARY KEY, partner_id integer NOT NULL, state varchar, date_order timestamp,
            amount_untaxed numeric, amount_tax numeric, amount_total numeric""",
        customer="partner_id", customers=("17", "2018"),
        order={"state": "'sale'"}, cart={"state": "'draft'"}, is_order="state = 'sale'",
        amounts=("amount_untaxed", "amount_tax", "amount_total"), has_guests=False,
    ),
    "DVD Store": Shop(
        table="orders10",
        definition="""orderid serial PRIMARY KEY, orderdate date NOT NULL, customerid integer, netamount numeric(12,2) NOT NULL,
            tax numeric(12,2) NOT NULL, totalamount numeric(12,2) NOT NULL""",
        customer="customerid", customers=("17", "2018"),
        date="orderdate", amounts=("netamount", "tax", "totalamount"),
    ),
    "Northwind": Shop(
        table="orders", definition="order_id smallint PRIMARY KEY, customer_id bpchar, employee_id smallint, order_date date",
        customer="customer_id", customers=("ALFKI", "VINET"), needs_id=True,
    ),
    "TPC-H": Shop(
        table="orders",
        definition="""o_orderkey integer PRIMARY KEY, o_custkey integer NOT NULL, o_orderstatus char(1) NOT NULL DEFAULT 'O',
            o_totalprice numeric(15,2) NOT NULL, o_orderdate date NOT NULL""",
        customer="o_custkey", customers=("17", "2018"),
        date="o_orderdate", amounts=("o_totalprice",), has_guests=False, needs_id=True,
    ),
}
