"""Has cfn-lint read a CloudFormation template: it knows the properties and values of every kind of resource.

Usage: lint_template.py TEMPLATE
"""

import sys

from cfnlint.api import lint_file
import pathlib


def main(template):
    found = lint_file(pathlib.Path(template))
    for match in found:
        print(f"{template}:{match.linenumber}: {match.rule.id} {match.message}")
    sys.exit(bool(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
