"""What the conversations share: a server of our own, clients that know nothing
but AWS_ENDPOINT_URL, and checks that are counted."""
import gzip
import io
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import boto3
from botocore.config import Config

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
BINARY = os.environ.get("USHER_BINARY", str(ROOT / "usher"))

passed = failed = 0


def check(ok, what):
    """Counts one check; a failed one is printed and the conversation goes on."""
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print("FAILED:", what, flush=True)
    return ok


def done():
    print(f"{passed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed else 0)


def shared(name):
    path = DATA / name
    if not path.exists():
        sys.exit(f"{path} is missing: the conversations need the shared data beside the checkout")
    return gzip.open(path, "rt", encoding="latin-1")


class Server:
    """One usher process on a folder of its own. kill() is SIGKILL; start() again
    goes on with the same folder and port."""

    def __init__(self, *flags, dir=None):
        self.dir = tempfile.mkdtemp(prefix="usher-ci-", dir=dir)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.flags = flags
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = open(os.path.join(self.dir, "log"), "ab")
        os.environ.update(
            AWS_ENDPOINT_URL=self.url, AWS_ACCESS_KEY_ID="any", AWS_SECRET_ACCESS_KEY="any",
            AWS_DEFAULT_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true")
        self.start()

    def launch(self):
        """Starts the process and does not wait until it answers."""
        self.process = subprocess.Popen(
            [BINARY, "serve", "-listen", f"127.0.0.1:{self.port}", "-data", os.path.join(self.dir, "data"), *self.flags],
            stdout=self.log, stderr=self.log)

    def start(self):
        began = time.monotonic()
        self.launch()
        while True:
            try:
                urllib.request.urlopen(self.url + "/healthz", timeout=1).read()
                break
            except OSError:
                if self.process.poll() is not None:
                    self.show_log()
                    sys.exit("the server ended while starting")
                if time.monotonic() - began > 60:
                    self.show_log()
                    sys.exit("the server is not ready after a minute")
                time.sleep(0.01)
        return time.monotonic() - began

    def show_log(self, lines=40):
        text = pathlib.Path(self.dir, "log").read_text(errors="replace").splitlines()
        print("\n".join(text[-lines:]), flush=True)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def close(self):
        if self.process.poll() is None:
            self.kill()
        if failed:
            self.show_log()
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if exc[0]:
            self.show_log()
        self.close()


def client(name):
    return boto3.client(name, config=Config(retries={"max_attempts": 1}))


def wait(describe, key, minutes=5, until=("ACTIVE", "CREATE FAILED"), sleep=0.05):
    """Polls as every Personalize program does."""
    end = time.monotonic() + 60 * minutes
    while True:
        try:
            r = describe()[key]
        except Exception as e:  # the server may be down for a moment in crash tests
            if time.monotonic() > end or not is_connection(e):
                raise
            time.sleep(sleep)
            continue
        if r["status"] in until:
            return r
        if time.monotonic() > end:
            raise TimeoutError(f"{key} is still {r['status']}")
        time.sleep(sleep)


def is_connection(e):
    return type(e).__name__ in ("EndpointConnectionError", "ConnectionClosedError", "ConnectTimeoutError", "ReadTimeoutError")


def aws(*args, **kw):
    """The real AWS CLI."""
    return subprocess.run(["aws", *args], check=True, capture_output=True, text=True, **kw).stdout


INTERACTIONS = """{"type":"record","name":"Interactions","namespace":"com.amazonaws.personalize.schema","fields":[
{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"},
{"name":"EVENT_TYPE","type":"string"},{"name":"EVENT_VALUE","type":["float","null"]}],"version":"1.0"}"""
ITEMS = """{"type":"record","name":"Items","namespace":"com.amazonaws.personalize.schema","fields":[
{"name":"ITEM_ID","type":"string"},{"name":"TITLE","type":["null","string"]},{"name":"GENRES","type":["null","string"],"categorical":true},
{"name":"YEAR","type":["null","int"]}],"version":"1.0"}"""
USERS = """{"type":"record","name":"Users","namespace":"com.amazonaws.personalize.schema","fields":[
{"name":"USER_ID","type":"string"},{"name":"AGE","type":"int"},{"name":"GENDER","type":"string","categorical":true}],"version":"1.0"}"""
ROLE = "arn:aws:iam::000000000000:role/personalize"


def ratings():
    """ml-100k as (user, item, rating, time), oldest first."""
    with shared("ml-100k/u.data.gz") as f:
        rows = [tuple(int(x) for x in line.split("\t")) for line in f]
    rows.sort(key=lambda r: r[3])
    return rows


def csv(rows):
    out = io.StringIO()
    out.write("USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE\n")
    for u, i, r, t in rows:
        out.write(f"{u},{i},{t},rate,{r}\n")
    return out.getvalue()


def group(p, name, interactions=INTERACTIONS):
    """A dataset group with an Interactions dataset; gives both ARNs."""
    g = p.create_dataset_group(name=name)["datasetGroupArn"]
    wait(lambda: p.describe_dataset_group(datasetGroupArn=g), "datasetGroup")
    s = p.create_schema(name=name + "-interactions", schema=interactions)["schemaArn"]
    d = p.create_dataset(name=name + "-interactions", datasetType="Interactions", datasetGroupArn=g, schemaArn=s)["datasetArn"]
    wait(lambda: p.describe_dataset(datasetArn=d), "dataset")
    return g, d


def imported(p, name, dataset, location, **kw):
    j = p.create_dataset_import_job(jobName=name, datasetArn=dataset, dataSource={"dataLocation": location}, roleArn=ROLE, **kw)
    arn = j["datasetImportJobArn"]
    return wait(lambda: p.describe_dataset_import_job(datasetImportJobArn=arn), "datasetImportJob")


def trained(p, name, group, recipe, **config):
    """A solution and its first version, trained."""
    s = p.create_solution(name=name, datasetGroupArn=group, recipeArn=f"arn:aws:personalize:::recipe/{recipe}",
                          performAutoTraining=False, **({"solutionConfig": config} if config else {}))["solutionArn"]
    wait(lambda: p.describe_solution(solutionArn=s), "solution")
    v = p.create_solution_version(solutionArn=s)["solutionVersionArn"]
    r = wait(lambda: p.describe_solution_version(solutionVersionArn=v), "solutionVersion", minutes=10)
    return s, v, r


def deployed(p, name, version):
    c = p.create_campaign(name=name, solutionVersionArn=version, minProvisionedTPS=1)["campaignArn"]
    r = wait(lambda: p.describe_campaign(campaignArn=c), "campaign")
    return c, r
