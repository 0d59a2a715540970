-- A store of the shape of the Dell Store's: 20,000 customers and their 12,000 orders, the same in every run.

CREATE TABLE customers (
    customerid serial PRIMARY KEY,
    firstname varchar(50) NOT NULL,
    lastname varchar(50) NOT NULL
);

CREATE TABLE orders (
    orderid serial PRIMARY KEY,
    orderdate date NOT NULL,
    customerid integer CONSTRAINT fk_customerid REFERENCES customers ON DELETE SET NULL,
    netamount numeric(12,2) NOT NULL,
    tax numeric(12,2) NOT NULL,
    totalamount numeric(12,2) NOT NULL
);

INSERT INTO customers (firstname, lastname)
SELECT 'First' || n, 'Last' || n FROM generate_series(1, 20000) AS n;

-- Squares modulo a prime: customers have no order, one or two, and customer 9999 has one.
INSERT INTO orders (orderdate, customerid, netamount, tax, totalamount)
SELECT date '2004-01-01' + n % 366, n * n * 3 % 19997 + 1, net, tax, net + tax
FROM generate_series(1, 12000) AS n,
    LATERAL (SELECT (n * 37 % 40000 + 100) / 100.0 AS net) AS a,
    LATERAL (SELECT round(net * 0.0825, 2) AS tax) AS b;

CREATE INDEX ix_order_custid ON orders (customerid);

ANALYZE;
