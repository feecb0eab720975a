"""The metrics file, read by the parser of Prometheus' own client."""

import os
import sys

from prometheus_client.parser import text_string_to_metric_families

families = {family.name: family for family in text_string_to_metric_families(open(sys.argv[1]).read())}
for family in families.values():
    assert family.documentation and family.type != "untyped", family
    assert family.samples, family


def value(name, **labels):
    samples = [sample for family in families.values() for sample in family.samples if sample.name == name]
    found = [s.value for s in samples if all(s.labels.get(key) == label for key, label in labels.items())]
    assert len(found) == 1, (name, labels, found)
    return found[0]


assert value("rushhour_verdict_exit_code", outcome="sessions lost") == 4
assert value("rushhour_response_time_seconds_count") == 320
assert 0.02 < value("rushhour_response_time_seconds", quantile="0.5") < 0.08
assert value("rushhour_instance_response_time_seconds_count", instance=os.environ["HOSTILE"]) > 0
assert value("rushhour_sessions_lost_total", kind="relogin") == 4
