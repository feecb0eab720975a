"""Reads an HdrHistogram interval log; prints, for each family of tags, what its lines sum up to, as JSON."""

import json
import sys

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader


def fresh():
    return HdrHistogram(1, 3_600_000_000, 3)


log = HistogramLogReader(sys.argv[1], fresh())
sums, tags = {}, {}
while (interval := log.get_next_interval_histogram()) is not None:
    family, _, name = interval.get_tag().partition("=")
    sums.setdefault(family, fresh()).add(interval)
    tags.setdefault(family, set()).add(name)

print(json.dumps({
    family: {
        "count": total.get_total_count(),
        "tags": sorted(tags[family]),
        "p50_ms": total.get_value_at_percentile(50) / 1000,
        "p90_ms": total.get_value_at_percentile(90) / 1000,
        "max_ms": total.get_max_value() / 1000,
    }
    for family, total in sums.items()
}))
