"""A JUnit file against a schema that others publish, and what is in it."""

import os
import sys

from lxml import etree

file, schema = sys.argv[1:]
tree = etree.parse(file)
etree.XMLSchema(etree.parse(schema)).assertValid(tree)

suites = {suite.get("name"): suite for suite in tree.getroot()}
assert list(suites) == ["objectives", "sessions", "validity"], list(suites)


def verdicts(suite):
    return [case[0].tag if len(case) and case[0].tag != "system-out" else "pass" for case in suite.iter("testcase")]


assert verdicts(suites["objectives"]) == ["pass", "failure", "error"], verdicts(suites["objectives"])
assert "failure" in verdicts(suites["sessions"]) and "pass" in verdicts(suites["sessions"])
for suite in suites.values():
    for kind, attribute in (("failure", "failures"), ("error", "errors")):
        assert int(suite.get(attribute)) == verdicts(suite).count(kind)
