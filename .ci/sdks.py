"""Three clients with one face: boto3, the AWS CLI, and the AWS SDK for JavaScript
v3. call gives the error's code without "Exception", "" for none, and the answer;
pages gives the members of a list, put together by the client's own paginator."""
import datetime
import json
import re

import botocore.exceptions

from usher import *

NODE = os.environ.get("USHER_NODE", os.path.join(tempfile.gettempdir(), "usher-ci-node"))


class Refused(Exception):
    """An error of the API, in any client."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code.removesuffix("Exception")


def words(operation):
    """DescribeDatasetGroup as its words in lower case."""
    return [w.lower() for w in re.findall("[A-Z]+(?=[A-Z][a-z])|[A-Z][a-z]+|[A-Z]+", operation)]


class Boto3:
    name = "boto3"

    def __init__(self):
        self.clients = {s: client(s) for s in ("personalize", "personalize-events", "personalize-runtime")}

    def send(self, operation, input, service="personalize"):
        try:
            out = getattr(self.clients[service], "_".join(words(operation)))(**input)
        except botocore.exceptions.ClientError as e:
            raise Refused(e.response["Error"]["Code"], e.response["Error"]["Message"]) from e
        return {k: v for k, v in out.items() if k != "ResponseMetadata"}

    def pages(self, operation, key, size, **input):
        paginator = self.clients["personalize"].get_paginator("_".join(words(operation)))
        out = [list(p[key]) for p in paginator.paginate(**input, PaginationConfig={"PageSize": size})]
        check(all(len(p) == size for p in out[:-1]), f"{operation}: pages of {[len(p) for p in out]}, asked for {size}")
        return sum(out, [])


class CLI:
    name = "AWS CLI"

    def run(self, *args):
        r = subprocess.run(["aws", *args, "--output", "json"], capture_output=True, text=True, env=os.environ | {"AWS_MAX_ATTEMPTS": "1"})
        if r.returncode == 0:
            return json.loads(r.stdout or "{}")
        found = re.search(r"An error occurred \((\w+)\) when calling the \w+ operation[^:]*: (.*)", r.stderr, re.S)
        if not found:
            raise ConnectionError(r.stderr)
        raise Refused(*found.groups())

    def send(self, operation, input, service="personalize"):
        return self.run(service, "-".join(words(operation)), "--cli-input-json", json.dumps(input))

    def pages(self, operation, key, size, **input):
        return self.run("personalize", "-".join(words(operation)), "--page-size", str(size), "--cli-input-json", json.dumps(input))[key]


class JavaScript:
    name = "JavaScript"

    def __init__(self):
        self.process = subprocess.Popen(["node", str(pathlib.Path(__file__).with_name("javascript.mjs")), NODE], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env=os.environ | {"AWS_REGION": os.environ["AWS_DEFAULT_REGION"], "NODE_NO_WARNINGS": "1"})

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" not in answer:
            return answer["output"]
        if not answer["status"]:
            raise ConnectionError(answer)
        raise Refused(answer["error"], answer["message"])

    def send(self, operation, input, service="personalize"):
        return self.ask(service=service, operation=operation, input=input)

    def pages(self, operation, key, size, **input):
        return self.ask(service="personalize", operation=operation, input=input, pageSize=size).get(key, [])

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def plain(value, key=""):
    """An answer without what differs by the client: times become whole seconds."""
    if isinstance(value, dict):
        return {k: plain(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, datetime.datetime):
        return int(value.timestamp())
    if isinstance(value, float) and key.endswith("DateTime"):
        return int(value)
    if isinstance(value, str) and key.endswith("DateTime"):
        return int(datetime.datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp())
    return value
