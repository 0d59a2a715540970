#!/usr/bin/python3
"""What a tutorial has one write: `count [CUSTOMER]`, cache-aside with psycopg2 and redis-py."""

import os
import sys

import psycopg2
import redis


def look_up(customer):
    connection = psycopg2.connect(os.environ["PG_SERVICE_URI"], dbname=os.environ["PG_DATABASE"])
    with connection.cursor() as cursor:
        if customer is None:
            cursor.execute("SELECT count(*) FROM orders")
        else:
            cursor.execute("SELECT count(*) FROM orders WHERE customerid = %s", (customer,))
        return cursor.fetchone()[0]


def count(customer):
    cache = redis.from_url(os.environ["REDIS_SERVICE_URI"])
    key = f"num_orders:{customer or 'all'}"
    value = cache.get(key)
    if value is None:
        value = look_up(customer)
        cache.set(key, value, ex=120)
    return int(value)


print(count(sys.argv[1] if len(sys.argv) > 1 else None))
