"""The summary against its published schema, which must be a schema and must refuse what is not a summary."""

import json
import os
import sys

import jsonschema

summary, schema = (json.load(open(path)) for path in sys.argv[1:])
validator = jsonschema.validators.validator_for(schema)
validator.check_schema(schema)
validator(schema).validate(summary)
assert summary["format"] == 1 and summary["verdict"]["outcome"] == "sessions-lost"
assert any(instance["instance"] == os.environ["HOSTILE"] for instance in summary["instances"])

del summary["verdict"]["exit_code"]
assert not validator(schema).is_valid(summary), "a summary without an exit code was let through"
