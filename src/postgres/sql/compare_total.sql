SELECT {known_total} AS known, (SELECT count(*) FROM {table}{where_order}) AS counted
