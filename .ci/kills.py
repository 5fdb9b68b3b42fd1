"""Durability by force: writers of every kind work on one server while it is
killed with SIGKILL at random moments, 200 times or as often as the first
argument says (the second is the seed). After each restart the whole is read
back through exports and buckets and compared with what was acknowledged:

- an acknowledged event or item is there, an object of a bucket byte for byte;
- an eventId counts at most once, though calls whose answer was lost are sent
  again with the same eventIds and another value;
- an import is there whole or not at all, a FULL one replaces all at once;
- an export that is ACTIVE holds all that was acknowledged before it was asked
  for, and nothing that nobody sent;
- imports, exports and trainings come to an end, and nothing half-made is left;
- few records stay in the database, the others move into segments all the time, and
  states are saved; users that were deleted stay deleted, and nobody else is.

SIGKILL does not show whether bytes reach the disk: .ci/sync.py does."""
import collections
import hashlib
import http.client
import itertools
import json
import random
import statistics
import threading
import time

from botocore.exceptions import ClientError

from usher import *

KILLS = int(sys.argv[1]) if len(sys.argv) > 1 else 200
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1
CHECK_EVERY = 5
HOT = 300  # records that stay in the database: the others are moved all the time

stop = threading.Event()
lock = threading.Lock()
under_way = collections.Counter()  # what the server is asked to do right now
killed_in = collections.Counter()  # … at the moments of the kills
outcomes = collections.Counter()


class doing:
    """Counts a piece of work while it is under way."""

    def __init__(self, what):
        self.what = what

    def __enter__(self):
        with lock:
            under_way[self.what] += 1

    def __exit__(self, *_):
        with lock:
            under_way[self.what] -= 1


def again(call):
    """Makes a control-plane call until it is answered. A creation that was
    carried out before its answer was lost says that the name is taken."""
    while True:
        try:
            return call()
        except ClientError as e:
            if e.response["Error"]["Code"] in ("ResourceAlreadyExistsException", "BucketAlreadyOwnedByYou"):
                return None
            raise
        except Exception as e:
            if not is_connection(e) and type(e).__name__ not in ("ResponseParserError", "IncompleteReadError", "ReadTimeoutError"):
                raise
            if stop.is_set() and time.monotonic() > deadline[0]:
                raise
            time.sleep(0.005)


deadline = [float("inf")]


class Raw:
    """One kept-alive connection to the events API, cheaper than boto3."""

    def __init__(self, port):
        self.port, self.conn = port, None

    def post(self, path, body):
        """Gives the status, None when the answer was lost."""
        try:
            if self.conn is None:
                self.conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            self.conn.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            r = self.conn.getresponse()
            text = r.read()
        except (OSError, http.client.HTTPException):
            self.conn = None
            return None
        if r.status != 200:
            outcomes["refused"] += 1
            check(False, f"{path} answered {r.status} {text[:300]}")
        return r.status


class Events:
    """Writers of events. Each event has an item of its own: the item names it."""

    def __init__(self, server, tracking, writers, seed):
        self.server, self.tracking = server, tracking
        self.acknowledged, self.sent = {}, {}  # item → set of values that were sent
        self.threads = [threading.Thread(target=self.write, args=(n, random.Random(f"{seed} {n}"))) for n in range(writers)]

    def write(self, n, dice):
        raw = Raw(self.server.port)
        for k in itertools.count():
            if stop.is_set():
                return
            items = [f"e{n}-{k}-{i}" for i in range(dice.choice((1, 1, 2, 10)))]
            value = 1
            while not stop.is_set():
                with lock:
                    for item in items:
                        self.sent.setdefault(item, set()).add(float(value))
                with doing("event calls"):
                    status = raw.post("/events", {
                        "trackingId": self.tracking, "sessionId": f"s{n}-{k % 50}", "userId": f"u{n}-{k % 50}",
                        "eventList": [{"eventId": item, "eventType": "view", "itemId": item, "sentAt": 1_700_000_000 + k, "eventValue": value} for item in items]})
                if status == 200:
                    with lock:
                        for item in items:
                            self.acknowledged[item] = value
                    break
                outcomes["event calls without an answer"] += 1
                if dice.random() < 0.3:
                    break  # its fate stays unknown
                value += 1  # the same eventIds: the first that arrived counts
                time.sleep(0.01)
            time.sleep(0.002)


class Items:
    """A writer of items that raises their YEAR again and again."""

    def __init__(self, server, dataset, seed):
        self.server, self.dataset = server, dataset
        self.acknowledged, self.sent = {}, collections.defaultdict(set)
        self.threads = [threading.Thread(target=self.write, args=(n, random.Random(f"{seed} items {n}"))) for n in range(2)]

    def write(self, n, dice):
        raw = Raw(self.server.port)
        for k in itertools.count(1):
            if stop.is_set():
                return
            ids = [f"i{n}-{dice.randrange(300)}" for _ in range(dice.choice((1, 5, 10)))]
            with lock:
                for i in ids:
                    self.sent[i].add(k)
            with doing("item calls"):
                status = raw.post("/items", {"datasetArn": self.dataset, "items": [{"itemId": i, "properties": json.dumps({"year": k, "genres": "a|b"})} for i in ids]})
            if status == 200:
                with lock:
                    for i in ids:
                        self.acknowledged[i] = k
            else:
                outcomes["item calls without an answer"] += 1
                time.sleep(0.01)
            time.sleep(0.004)


class Imports:
    """INCREMENTAL imports of interactions, a few thousand rows each, and FULL
    imports of users, of which every version replaces all."""

    ROWS, USERS = 3000, 20_000

    def __init__(self, interactions, users):
        self.interactions, self.users = interactions, users
        self.done, self.asked = set(), set()  # numbers of INCREMENTAL files
        self.version, self.versions = 0, set()  # of users
        self.objects = {}
        self.threads = [threading.Thread(target=self.incremental), threading.Thread(target=self.full)]

    def upload(self, s3, key, text):
        body = text.encode()
        with doing("uploads"):
            again(lambda: s3.put_object(Bucket="data", Key=key, Body=body))
        with lock:
            self.objects[key] = hashlib.md5(body).hexdigest()

    def run(self, p, name, dataset, key, mode):
        with doing("imports"):
            again(lambda: p.create_dataset_import_job(jobName=name, datasetArn=dataset, dataSource={"dataLocation": f"s3://data/{key}"}, roleArn=ROLE, importMode=mode))
            arn = dataset.split(":dataset/")[0] + ":dataset-import-job/" + name
            r = again(lambda: wait(lambda: p.describe_dataset_import_job(datasetImportJobArn=arn), "datasetImportJob", sleep=0.02))
        outcomes[f"imports {r['status']}"] += 1
        if r["status"] != "ACTIVE":
            check("given up" in r["failureReason"], f"an import failed: {r['failureReason']}")
        return r["status"] == "ACTIVE"

    def first(self, p, s3):
        """A FULL import of interactions: INCREMENTAL ones need it."""
        self.upload(s3, "f0.csv", self.file(0))
        self.asked.add(0)
        if not self.run(p, "f0", self.interactions, "f0.csv", "FULL"):
            sys.exit("the first import failed")
        self.done.add(0)

    def file(self, n):
        return csv((f"f{n}-{r % 97}", f"f{n}-{r}", r % 5, 1_600_000_000 + r) for r in range(self.ROWS))

    def incremental(self):
        p, s3 = client("personalize"), client("s3")
        for n in itertools.count(1):
            if stop.is_set() or n > 40:
                return
            self.upload(s3, f"f{n}.csv", self.file(n))
            with lock:
                self.asked.add(n)
            if self.run(p, f"f{n}", self.interactions, f"f{n}.csv", "INCREMENTAL"):
                with lock:
                    self.done.add(n)
            stop.wait(0.5)

    def full(self):
        p, s3 = client("personalize"), client("s3")
        for n in itertools.count(1):
            if stop.is_set():
                return
            rows = "".join(f"u{r},{n},x\n" for r in range(self.USERS))
            self.upload(s3, "users.csv", "USER_ID,AGE,GENDER\n" + rows)
            with lock:
                self.versions.add(n)
            if self.run(p, f"users{n}", self.users, "users.csv", "FULL"):
                with lock:
                    self.version = n
            stop.wait(1)


class Trainings:
    """Trains versions, one after the other."""

    def __init__(self, group):
        self.group, self.last = group, None
        self.threads = [threading.Thread(target=self.train)]

    def train(self):
        p = client("personalize")
        arns = []
        for recipe in ("aws-popularity-count", "aws-sims"):
            again(lambda: p.create_solution(name=recipe, datasetGroupArn=self.group, recipeArn=f"arn:aws:personalize:::recipe/{recipe}", performAutoTraining=False))
            arns.append(self.group.split(":dataset-group/")[0] + ":solution/" + recipe)
        for n in itertools.count():
            if stop.is_set():
                return
            with doing("trainings"):
                v = again(lambda: p.create_solution_version(solutionArn=arns[n % 2]))["solutionVersionArn"]
                r = again(lambda: wait(lambda: p.describe_solution_version(solutionVersionArn=v), "solutionVersion", sleep=0.02))
            outcomes[f"trainings {r['status']}"] += 1
            if r["status"] != "ACTIVE":
                check("given up" in r["failureReason"], f"a training failed: {r['failureReason']}")
            else:
                self.last = v
            stop.wait(0.5)


class Deletions:
    """Deletes users, each of whom has one event, and asks that they stay away."""

    def __init__(self, server, tracking, group):
        self.server, self.tracking, self.group = server, tracking, group
        self.deleted, self.kept = set(), set()  # items of users that are gone, and of their neighbours
        self.threads = [threading.Thread(target=self.delete)]

    def delete(self):
        p, s3 = client("personalize"), client("s3")
        raw = Raw(self.server.port)
        for n in itertools.count():
            if stop.is_set():
                return
            for item in (f"gone-{n}", f"kept-{n}"):
                while raw.post("/events", {"trackingId": self.tracking, "sessionId": f"s-{item}", "userId": f"u-{item}",
                                           "eventList": [{"eventId": item, "eventType": "view", "itemId": item, "sentAt": 1_700_000_000, "eventValue": 1}]}) != 200:
                    if stop.is_set():
                        return
                    time.sleep(0.01)
            with lock:
                self.kept.add(f"kept-{n}")
            again(lambda: s3.put_object(Bucket="data", Key=f"gone{n}.csv", Body=f"USER_ID\nu-gone-{n}\n".encode()))
            with doing("deletions"):
                again(lambda: p.create_data_deletion_job(jobName=f"gone{n}", datasetGroupArn=self.group, dataSource={"dataLocation": f"s3://data/gone{n}.csv"}, roleArn=ROLE))
                arn = self.group.split(":dataset-group/")[0] + f":data-deletion-job/gone{n}"
                r = again(lambda: wait(lambda: p.describe_data_deletion_job(dataDeletionJobArn=arn), "dataDeletionJob", until=("COMPLETED", "FAILED"), sleep=0.02))
            outcomes[f"deletions {r['status']}"] += 1
            if r["status"] == "COMPLETED":
                with lock:
                    self.deleted.add(f"gone-{n}")
            else:
                check("given up" in r["failureReason"], f"a deletion failed: {r['failureReason']}")
            stop.wait(5)


class Checker:
    """Reads everything back and compares."""

    def __init__(self, events, items, imports, datasets, deletions):
        self.p, self.s3 = client("personalize"), client("s3")
        self.events, self.items, self.imports, self.datasets, self.deletions = events, items, imports, datasets, deletions
        self.n = 0

    def export(self, kind):
        """Gives the rows of an export that is made now. It may be given up when it
        is killed too often; then there is another."""
        while True:
            self.n += 1
            name = f"check{self.n}"
            with doing("exports"):
                again(lambda: self.p.create_dataset_export_job(jobName=name, datasetArn=self.datasets[kind], ingestionMode="ALL", roleArn=ROLE,
                                                               jobOutput={"s3DataDestination": {"path": "s3://out/x/"}}))
                arn = self.datasets[kind].split(":dataset/")[0] + ":dataset-export-job/" + name
                r = again(lambda: wait(lambda: self.p.describe_dataset_export_job(datasetExportJobArn=arn), "datasetExportJob", sleep=0.02))
            outcomes[f"exports {r['status']}"] += 1
            if r["status"] == "ACTIVE":
                break
            check("given up" in r["failureReason"], f"an export failed: {r['failureReason']}")
        rows = []
        for o in again(lambda: self.s3.list_objects_v2(Bucket="out", Prefix=f"x/{name}/"))["Contents"]:
            text = again(lambda: self.s3.get_object(Bucket="out", Key=o["Key"])["Body"].read()).decode()
            rows += [line.split(",") for line in text.splitlines()[1:]]
            again(lambda: self.s3.delete_object(Bucket="out", Key=o["Key"]))
        return rows

    def check(self):
        self.check_interactions()
        self.check_items()
        self.check_users()

    def check_interactions(self):
        with lock:
            acknowledged, done = dict(self.events.acknowledged), set(self.imports.done)
            deleted, kept = set(self.deletions.deleted), set(self.deletions.kept)
        rows = self.export("INTERACTIONS")
        with lock:
            sent, asked = {i: set(v) for i, v in self.events.sent.items()}, set(self.imports.asked)
        seen, twice, files, others = {}, [], collections.Counter(), set()
        for user, item, at, kind, value in rows:
            if item[0] in "gk":
                others.add(item)
            elif item[0] == "f":
                files[int(item[1:].split("-")[0])] += 1
            else:
                twice += [item] if item in seen else []
                seen[item] = float(value)
        check(not deleted & others, f"deleted users are there: {sorted(deleted & others)[:5]}")
        check(kept <= others, f"events of users are lost whose neighbours were deleted: {sorted(kept - others)[:5]}")
        check(not twice, f"{len(twice)} events count twice: {twice[:5]}")
        lost = [i for i in acknowledged if i not in seen]
        check(not lost, f"{len(lost)} acknowledged events are lost: {sorted(lost)[:5]}")
        strange = [i for i, v in seen.items() if v not in sent.get(i, ())]
        check(not strange, f"{len(strange)} events that nobody sent: {strange[:5]}")
        check(all(n == Imports.ROWS for n in files.values()), f"a part of a file was imported: {files}")
        check(done <= set(files), f"imports that were ACTIVE are lost: {done - set(files)}")
        check(set(files) <= asked, f"imports that nobody asked for: {set(files) - asked}")
        self.counted = (len(acknowledged), len(seen), len(done))

    def check_items(self):
        with lock:
            acknowledged = dict(self.items.acknowledged)
        rows = {row[0]: int(row[3]) for row in self.export("ITEMS")}
        lost = [i for i, k in acknowledged.items() if rows.get(i, -1) < k]
        check(not lost, f"{len(lost)} acknowledged items are lost or old: {[(i, acknowledged[i], rows.get(i)) for i in lost[:5]]}")
        with lock:
            strange = [i for i, k in rows.items() if k not in self.items.sent[i]]
        check(not strange, f"{len(strange)} items that nobody sent: {strange[:5]}")

    def check_users(self):
        with lock:
            version = self.imports.version
        rows = self.export("USERS")
        with lock:
            versions = set(self.imports.versions)
        have = {row[1] for row in rows}
        if not rows:
            check(version == 0, "the users are gone")
            return
        check(len(have) == 1 and len(rows) == Imports.USERS, f"half an import of users: {len(rows)} rows of versions {have}")
        check(version <= int(max(have)) and int(max(have)) in versions, f"the users are of version {have}, at least {version} was imported")

    def check_objects(self):
        with lock:
            objects = dict(self.imports.objects)
        objects.pop("users.csv", None)  # is being replaced
        for key, sum in objects.items():
            body = again(lambda: self.s3.get_object(Bucket="data", Key=key)["Body"].read())
            check(hashlib.md5(body).hexdigest() == sum, f"the object {key} is damaged")


def main():
    dice = random.Random(SEED)
    starts = []
    with Server("-fast", "-quotas", "none", "-hot-records", str(HOT)) as server:
        p, s3 = client("personalize"), client("s3")
        for bucket in ("data", "out"):
            s3.create_bucket(Bucket=bucket)
        g, interactions = group(p, "kills")
        datasets = {"INTERACTIONS": interactions}
        for kind, text in (("ITEMS", ITEMS), ("USERS", USERS)):
            s = p.create_schema(name=kind, schema=text)["schemaArn"]
            datasets[kind] = p.create_dataset(name=kind, datasetType=kind, datasetGroupArn=g, schemaArn=s)["datasetArn"]
        t = p.create_event_tracker(name="kills", datasetGroupArn=g)["trackingId"]
        events, items = Events(server, t, 6, SEED), Items(server, datasets["ITEMS"], SEED)
        imports, trainings = Imports(interactions, datasets["USERS"]), Trainings(g)
        imports.first(p, s3)
        deletions = Deletions(server, t, g)
        checker = Checker(events, items, imports, datasets, deletions)
        due, rounds = threading.Event(), [0]

        def check_now_and_then():
            while not stop.is_set():
                due.wait(0.1)
                if due.is_set():
                    due.clear()
                    checker.check()
                    rounds[0] += 1

        threads = [*events.threads, *items.threads, *imports.threads, *trainings.threads, *deletions.threads, threading.Thread(target=check_now_and_then)]
        for th in threads:
            th.start()
        began = time.monotonic()
        for n in range(1, KILLS + 1):
            if n % 10 == 0:  # let long work through
                time.sleep(2)
            elif dice.random() < 0.7:  # most kills hit a server that has read its log
                was, limit = len(events.acknowledged), time.monotonic() + 10
                while len(events.acknowledged) == was and time.monotonic() < limit:
                    time.sleep(0.002)
            time.sleep(dice.choice((0.02, 0.2, 0.8)) * dice.random() + dice.random() / 10)
            with lock:
                for what, k in under_way.items():
                    killed_in[what] += k > 0
            server.kill()
            if dice.random() < 0.1:  # while it starts
                server.launch()
                time.sleep(dice.random() / 5)
                server.kill()
                killed_in["starts"] += 1
            starts.append(server.start())
            if n % CHECK_EVERY == 0:
                due.set()
            if n % 20 == 0:
                print(f"{n} kills in {time.monotonic() - began:.0f} s, {len(events.acknowledged)} events acknowledged, {rounds[0]} rounds of checks, {failed_so_far()} failed", flush=True)
        for th in threads:
            check(th.is_alive() or th in imports.threads, "a writer ended by itself")
        stop.set()
        deadline[0] = time.monotonic() + 120
        for th in threads:
            th.join(timeout=180)
            check(not th.is_alive(), "a writer does not end")
        checker.check()
        checker.check_objects()
        segments = compacted(server)
        leftovers(server)
        acknowledged, there, files = checker.counted
        check(acknowledged > 20 * KILLS, f"only {acknowledged} events were acknowledged")
        check(trainings.last is not None, "no training came to its end")
        fate = (lambda text: text) if failed_so_far() == 0 else (lambda text: "see the failures above")
        print(f"""
kills                         {KILLS} and {killed_in.pop("starts", 0)} more while starting, seed {SEED}
events acknowledged           {acknowledged}
events there                  {there}, {fate('none lost, none twice')}
items acknowledged            {len(items.acknowledged)} ids, {fate('none lost, none older than acknowledged')}
imports                       {files} files of {Imports.ROWS} rows, users up to version {imports.version}; {fate('none lost, none half')}
users deleted                 {len(deletions.deleted)}, {fate('none there')}; {len(deletions.kept)} neighbours, {fate('all there')}
segments                      {segments}, at most a few times {HOT} records in the database
restart                       median {statistics.median(starts) * 1000:.0f} ms, worst {max(starts) * 1000:.0f} ms from start to answer
rounds of checks              {rounds[0] + 1}""")
        for what, k in sorted(killed_in.items()):
            print(f"kills while there were {what:20} {k}")
        for what, k in sorted(outcomes.items()):
            print(f"{what:40} {k}")
    done()


def compacted(server):
    """Counts segments; what is in the database is not much."""
    import sqlite3
    data = pathlib.Path(server.dir, "data")
    segments = len(list((data / "blobs" / "segments").glob("*/*")))
    check(segments > KILLS / 4, f"only {segments} segments")
    if (data / "usher.db").exists():  # else it is PostgreSQL
        db = sqlite3.connect(f"file:{data}/usher.db?mode=ro", uri=True)
        hot = db.execute("select coalesce(sum(count), 0) from log").fetchone()[0]
        db.close()
        check(hot < 10 * HOT, f"{hot} records are in the database")
    return segments


def failed_so_far():
    import usher
    return usher.failed


def leftovers(server):
    """What a server that was killed may have left unfinished is gone after the
    next start, and no training process outlives it."""
    server.kill()
    server.start()
    unfinished = [str(f) for f in pathlib.Path(server.dir, "data").rglob(".tmp/*/*")]
    check(not unfinished, f"unfinished files: {unfinished[:5]}")
    n = 0
    for proc in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            n += server.dir.encode() in proc.read_bytes()
        except OSError:
            pass
    check(n == 1, f"{n} processes of the server")


main()
