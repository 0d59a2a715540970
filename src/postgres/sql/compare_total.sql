SELECT {known_total} AS known, {count_rows} AS counted
