"""Every query that the documents show is asked of a recorded run, as a reader would: from its directory."""

import os
import re
import sys

import duckdb

directory, *documents = sys.argv[1:]
os.chdir(directory)
for document in documents:
    queries = re.findall(r"^```sql\n(.*?)^```", open(document).read(), re.DOTALL | re.MULTILINE)
    assert len(queries) >= 3, f"{document}: the queries were not found"
    for query in queries:
        try:
            rows = duckdb.sql(query).fetchall()
        except duckdb.Error as error:
            sys.exit(f"{document}: {error}\n{query}")
        assert rows, f"{document}: no answer to\n{query}"
