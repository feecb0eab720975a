"""The per-second series: lines end as RFC 4180 says, every row has all cells, none is a formula."""

import csv
import sys

raw = open(sys.argv[1], "rb").read()
assert raw.count(b"\n") == raw.count(b"\r\n") > 15
rows = list(csv.DictReader(raw.decode().splitlines(), strict=True, restval=None))
assert len(rows) >= 18 and all(None not in row and None not in row.values() for row in rows)
assert sum(int(row["requests"]) for row in rows) == 320
served = [name for name in rows[0] if name.startswith("responses of ")]
assert len(served) == 3 and sum(int(row[name]) for row in rows for name in served) == 320
assert rows[3]["sessions_in_flight"] == "40" and rows[3]["instances_healthy"] == "2"
for row in rows:
    for cell in [*row, *row.values()]:
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")), cell
