"""What the reference deployment costs an hour, as an estimate, from the prices in prices.tsv beside this file.

Usage: estimate.py STORE ZONES INSTANCE_TYPE DESIRED MAX STORE_NODE_TYPE GENERATOR_TYPE
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).parent


def prices():
    lines = (HERE / "prices.tsv").read_text().splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {name: float(dollars) for name, dollars in rows}


def parts(known, store, zones, instance, desired, generator, node):
    """Each thing that costs by the hour: words, number, price of one."""
    yield f"{instance} instances of the application", desired, known[instance]
    yield f"{generator}, the generator", 1, known[generator]
    yield "balancer", 1, known["balancer"]
    yield "balancer's capacity unit, the least", 1, known["balancer-capacity-unit"]
    yield "interface endpoint of Secrets Manager, one a zone", zones, known["interface-endpoint"]
    yield "the generator's public address", 1, known["public-address"]
    yield "GB of volumes", 30 + 8 * desired, known["volume-gb"]
    if store == "elasticache":
        yield f"{node} nodes of the store, one a zone", zones, known[node]
    yield "secrets", 3 if store == "elasticache" else 1, known["secret"]


def main(store, zones, instance, desired, most, node, generator):
    known = prices()
    zones, desired, most = int(zones), int(desired), int(most)
    used = [instance, generator] + ([node] if store == "elasticache" else [])
    missing = sorted({kind for kind in used if kind not in known})
    if missing:
        print(f"  no price of {', '.join(missing)} in scripts/aws/prices.tsv, so there is no estimate")
        return
    total = 0.0
    for words, number, price in parts(known, store, zones, instance, desired, generator, node):
        total += number * price
        print(f"  {number * price:8.4f}  {number} x {price:g}  {words}")
    more = (most - desired) * (known[instance] + 8 * known["volume-gb"])
    print(f"  {total:8.4f}  dollars an hour, and {more:.2f} more with all {most} instances that it may scale out to")
    extra = "traffic between zones, the balancer under load, logs, metrics"
    if store == "dynamodb":
        per_million = f"{known['dynamodb-million-writes']:g} a million writes and {known['dynamodb-million-reads']:g} a million reads"
        extra = f"DynamoDB ({per_million}), {extra}"
    print(f"  not in it: {extra}")
    print("  an estimate, from prices of us-east-1 as known in 2025; today's are at https://calculator.aws")


if __name__ == "__main__":
    if len(sys.argv) != 8:
        sys.exit(__doc__)
    main(*sys.argv[1:])
