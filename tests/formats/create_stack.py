"""Creates stacks from the reference deployment's template at an emulator, ministack, and looks at what came of them, also by
`rushhour audit`, whose calls go over HTTP as they would go to AWS.

Usage: create_stack.py TEMPLATE FOLDER RUSHHOUR

Leaves in FOLDER, as STORE.json, the configuration that an instance of each stack would start the application with.

How far that goes: all resources but those of UNKNOWN are made, with their references, conditions and generated secrets, and
the stack is deleted again. Nothing is started: the emulator runs no user data, enforces no policy and no security group,
answers at no balancer, and its group scales by nobody's load. That properties make sense is for cfn-lint to say.
"""

import base64
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

import boto3
from cfnlint.decode import cfn_yaml

# Kinds of resources that the emulator refuses.
UNKNOWN = {"AWS::EC2::Instance", "AWS::EC2::SecurityGroupEgress", "AWS::IAM::RolePolicy"}
REGION = "eu-central-1"
PARAMETERS = {"ProgramBucket": "programs", "ProgramKey": "program/0", "ProgramSha256": "0" * 64}


def known(path):
    """The template without what the emulator does not know, and without outputs of it."""
    template = json.loads(json.dumps(cfn_yaml.load(path)))
    dropped = {name for name, resource in template["Resources"].items() if resource["Type"] in UNKNOWN}
    template["Resources"] = {name: r for name, r in template["Resources"].items() if name not in dropped}
    outputs = template["Outputs"].items()
    template["Outputs"] = {name: output for name, output in outputs if output["Value"].get("Ref") not in dropped}
    return json.dumps(template)


def emulator(folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "MINISTACK_REGION": REGION, "TMPDIR": folder}
    log = open(pathlib.Path(folder, "log"), "wb")
    server = subprocess.Popen([sys.executable, "-m", "ministack"], env=os.environ | environment, stdout=log, stderr=log)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server, f"http://127.0.0.1:{port}"
        time.sleep(0.05)
    server.kill()
    sys.exit(f"the emulator did not start:\n{pathlib.Path(folder, 'log').read_text()}")


def client(service, url):
    credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client(service, endpoint_url=url, region_name=REGION, **credentials)


def settled(cloudformation, name):
    deadline = time.monotonic() + 60
    while True:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        assert time.monotonic() < deadline, stack
        time.sleep(0.05)


def configuration(url, launch):
    """Runs the part of the user data that writes it, with nothing secret."""
    versions = client("ec2", url).describe_launch_template_versions(LaunchTemplateId=launch)["LaunchTemplateVersions"]
    script = base64.b64decode(versions[0]["LaunchTemplateData"]["UserData"]).decode()
    subprocess.run(["bash", "-n"], input=script.encode(), check=True)
    writes = script.split("umask 077\n", 1)[1].split("> /etc/rushhour/app.json", 1)[0]
    stand_ins = 'set -euo pipefail\nabout() { echo "${1##*/}"; }\nsecret() { echo hush; }\n'
    return subprocess.run(["bash", "-c", stand_ins + writes], check=True, capture_output=True, text=True).stdout


PROFILE = """
[target]
url = "http://127.0.0.1:1"
[users]
generate = 1
password = {{ env = "PATH" }}
[workload]
stages = ["1/s for 1s"]
[fleet]
provider = "aws"
[fleet.aws]
region = "{region}"
auto_scaling_group = "{group}"
target_group = "{targets}"
{store}
[[scenarios]]
name = "visitor"
[[scenarios.steps]]
name = "home"
get = "/"
"""


def audit(url, folder, program, outputs, store):
    """The checks of the audit by their result. The application is nowhere, which is told after what AWS said."""
    place = "elasticache" if store == "elasticache" else "dynamodb_table"
    name = outputs["ReplicationGroup" if store == "elasticache" else "Table"]
    profile = pathlib.Path(folder, f"{store}.toml")
    profile.write_text(PROFILE.format(region=REGION, group=outputs["Group"], targets=outputs["TargetGroup"], store=f'{place} = "{name}"'))
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
    command = [program, "audit", str(profile), "--json"]
    ended = subprocess.run(command, env=os.environ | keys | {"AWS_ENDPOINT_URL": url}, capture_output=True, text=True)
    assert ended.returncode == 2 and "127.0.0.1:1" in ended.stderr, (ended.returncode, ended.stderr, ended.stdout)
    return {check["name"]: (check["result"], check["seen"]) for check in json.loads(ended.stdout)}


# What the audit finds fault with in the template's stacks, and why that is the emulator's: on AWS all of it should pass.
WRONG = {
    "Auto Scaling group spans zones": "tells one zone of a group, whatever its subnets",
    "balancer spans the group's zones": "tells the same zone for every subnet",
    "default instance warm-up": "does not take it over",
    "ElastiCache: access control": "tells of every user that it needs no password",
    "sessions are deleted once they have ended": "does not take expiry over",
    "table can be put back": "does not take recovery over",
}


def judged(checks, store):
    assert not any(result == "unknown" for result, _ in checks.values()), checks
    failed = {name for name, (result, _) in checks.items() if result == "failed"}
    of_store = {"elasticache": {"sessions are deleted once they have ended", "table can be put back"}}
    others = of_store.get(store, {"ElastiCache: access control"})
    assert failed == WRONG.keys() - others, failed
    assert sum(result == "passed" for result, _ in checks.values()) >= 10, checks


def create(template, url, folder, program, store, zones):
    cloudformation, name = client("cloudformation", url), f"shop-{store}-{zones}"
    certificate = client("acm", url).request_certificate(DomainName="shop.rushhour.internal")["CertificateArn"]
    parameters = PARAMETERS | {"CertificateArn": certificate, "Store": store, "Zones": str(zones)}
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=template,
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )
    stack = settled(cloudformation, name)
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    failed = [(e["LogicalResourceId"], e.get("ResourceStatusReason")) for e in events if "FAILED" in e["ResourceStatus"]]
    assert stack["StackStatus"] == "CREATE_COMPLETE", (stack["StackStatus"], failed)
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    look(url, outputs, store, zones)
    judged(audit(url, folder, program, outputs, store), store)
    resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    launch = next(r["PhysicalResourceId"] for r in resources if r["LogicalResourceId"] == "Launch")
    pathlib.Path(folder, f"{store}.json").write_text(configuration(url, launch))
    cloudformation.delete_stack(StackName=name)


def look(url, outputs, store, zones):
    """What the fleet and the audit will ask for."""
    groups = client("autoscaling", url).describe_auto_scaling_groups(AutoScalingGroupNames=[outputs["Group"]])
    group = groups["AutoScalingGroups"][0]
    assert len(group["VPCZoneIdentifier"].split(",")) == zones, group
    assert {"rushhour:allow"} <= {tag["Key"] for tag in group["Tags"]}, group["Tags"]
    password = client("secretsmanager", url).get_secret_value(SecretId=outputs["UsersSecret"])["SecretString"]
    # The emulator does not leave out punctuation, as it is told to.
    assert len(password) == 32, "a password that is no generated one"
    if store == "dynamodb":
        # It does not take over the settings of expiry and recovery.
        table = client("dynamodb", url).describe_table(TableName=outputs["Table"])["Table"]
        assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST", table
    else:
        found = client("elasticache", url).describe_replication_groups(ReplicationGroupId=outputs["ReplicationGroup"])
        sessions = found["ReplicationGroups"][0]
        assert sessions["TransitEncryptionEnabled"] and sessions["AtRestEncryptionEnabled"], sessions


if __name__ == "__main__":
    template, folder, program = known(sys.argv[1]), sys.argv[2], sys.argv[3]
    with tempfile.TemporaryDirectory() as logs:
        server, url = emulator(logs)
        try:
            for store, zones in [("elasticache", 2), ("elasticache", 3), ("dynamodb", 2)]:
                create(template, url, folder, program, store, zones)
        finally:
            server.kill()
            server.wait()
