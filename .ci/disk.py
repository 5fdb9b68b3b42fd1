"""What disks do. The sync before each 200, seen by strace (a SIGKILL would not
notice that it is missing); a disk that becomes full, and has room again; one that
cannot be written; a second process; wrong bits in what is on disk."""
import json
import random
import re
import sqlite3
import threading
import urllib.error

from usher import *


def post(server, path, body, timeout=60):
    """Gives status and text; None when there was no answer."""
    r = urllib.request.Request(server.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(r, timeout=timeout) as a:
            return a.status, a.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def put_events(server, tracking, ids, **more):
    return post(server, "/events", {"trackingId": tracking, "sessionId": "s", "userId": "u", "eventList": [
        {"eventId": i, "eventType": "rate", "itemId": i, "sentAt": 1_700_000_000, **more} for i in ids]})


def shop(p, name):
    """A group with interactions and items; gives what the tests need."""
    g, d = group(p, name)
    s = p.create_schema(name=name + "-items", schema=ITEMS)["schemaArn"]
    items = p.create_dataset(name=name, datasetType="Items", datasetGroupArn=g, schemaArn=s)["datasetArn"]
    return d, items, p.create_event_tracker(name=name, datasetGroupArn=g)["trackingId"]


def exported(p, s3, dataset, name):
    """The rows of a dataset, by an export."""
    arn = p.create_dataset_export_job(jobName=name, datasetArn=dataset, ingestionMode="ALL", roleArn=ROLE, jobOutput={"s3DataDestination": {"path": "s3://out/x/"}})["datasetExportJobArn"]
    r = wait(lambda: p.describe_dataset_export_job(datasetExportJobArn=arn), "datasetExportJob")
    if not check(r["status"] == "ACTIVE", f"export: {r}"):
        return []
    return s3.get_object(Bucket="out", Key=f"x/{name}/part-00000.csv")["Body"].read().decode().splitlines()[1:]


# Syncs.

class Trace:
    """strace on a running server. lines() are what it saw."""

    CALLS = "read,write,fsync,fdatasync,pwrite64,rename,renameat,renameat2"

    def __init__(self, server):
        self.path = os.path.join(server.dir, "trace")
        self.process = subprocess.Popen(["strace", "-f", "-y", "-s", "600", "-e", "trace=" + self.CALLS, "-o", self.path, "-p", str(server.process.pid)],
                                        stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        if "attached" not in line:
            sys.exit(f"strace cannot watch the server: {line}{self.process.stderr.read()}")

    def lines(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        return pathlib.Path(self.path).read_text(errors="replace").splitlines()


def requests(lines):
    """Takes a trace apart: for each answer 200 the first line of its request,
    and the files that were synced in between, from begin to end."""
    begun, reads, syncs = {}, {}, []  # by thread; by connection; (begin, end, file)
    for n, line in enumerate(lines):
        m = re.match(r"(\d+) +(.*)", line)
        if not m:
            continue
        pid, text = m.groups()
        if m := re.match(r"(fsync|fdatasync)\(\d+<([^>]*)>(.*)", text):
            begun[pid] = (n, m[2])
            if "unfinished" not in m[3]:
                check("= 0" in m[3], f"a sync failed: {text}")
                syncs.append((n, n, m[2]))
        elif re.match(r"<\.\.\. (fsync|fdatasync) resumed>", text):
            check("= 0" in text, f"a sync failed: {text}")
            if pid in begun:
                syncs.append((begun[pid][0], n, begun[pid][1]))
        elif m := re.match(r"read\((\d+)<(?:TCP|socket)[^>]*>+, \"((?:POST|PUT) [^ ]+)", text):
            reads[m[1]] = (n, m[2])
        elif m := re.match(r"read\((\d+)<(?:TCP|socket)[^>]*>+,? +<unfinished", text):
            begun[pid] = (n, m[1])
        elif m := re.match(r"<\.\.\. read resumed>\"((?:POST|PUT) [^ ]+)", text):
            if pid in begun:
                reads[begun[pid][1]] = (n, m[1])
        elif m := re.match(r"write\((\d+)<(?:TCP|socket)[^>]*>+, \"HTTP/1.1 200", text):
            if m[1] in reads:
                at, request = reads.pop(m[1])
                yield request, [f for b, e, f in syncs if b > at and e < n]


def syncs():
    with Server("-fast") as server:
        p, s3 = client("personalize"), client("s3")
        d, items, t = shop(p, "sync")
        s3.create_bucket(Bucket="data")
        put_events(server, t, ["warm"])
        trace = Trace(server)
        for k in range(20):
            check(put_events(server, t, [f"one{k}"])[0] == 200, "an event")
        check(post(server, "/items", {"datasetArn": items, "items": [{"itemId": "i", "properties": "{}"}]})[0] == 200, "an item")
        s3.put_object(Bucket="data", Key="k", Body=b"x")
        p.create_schema(name="another", schema=USERS)

        def many(n):
            for k in range(20):
                check(put_events(server, t, [f"many{n}-{k}"])[0] == 200, "an event")

        threads = [threading.Thread(target=many, args=(n,)) for n in range(8)]
        for th in threads:
            th.start()
        for th in threads:
            th.join()
        seen = list(requests(trace.lines()))
        for request, files in seen:
            want = "buckets" if request.startswith("PUT") else "usher.db-wal"
            check(any(want in f for f in files), f"{request} was answered 200 without a sync of {want}: {files}")
        count = {r: sum(r == x for x, _ in seen) for r, _ in seen}
        check(count.get("POST /events") == 180, f"the answers that strace saw: {count}")
        check(count.get("POST /items") == 1 and count.get("POST /") == 1 and sum(n for r, n in count.items() if r.startswith("PUT /data/k")) == 1, f"the answers that strace saw: {count}")
        print(f"syncs before answers: {count}", flush=True)


# Full disks.

class Small:
    """A file system of a few megabytes, which only root can make."""

    def __init__(self, megabytes):
        self.dir = tempfile.mkdtemp(prefix="usher-small-")
        self.mount("-t", "tmpfs", "-o", f"size={megabytes}m", "usher", self.dir)

    def mount(self, *args):
        r = subprocess.run(["mount", *args], capture_output=True, text=True)
        if r.returncode:
            sys.exit(f"a small file system is needed, which root can mount: {r.stderr}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.dir], check=True)
        os.rmdir(self.dir)


def full():
    with Small(24) as disk, Server("-fast", dir=disk.dir) as server:
        p, s3 = client("personalize"), client("s3")
        for b in ("data", "out"):
            s3.create_bucket(Bucket=b)
        d, items, t = shop(p, "full")
        s3.put_object(Bucket="data", Key="ok.csv", Body=csv((f"u{n % 90}", f"c{n}", 1, 1_600_000_000) for n in range(2000)))
        check(imported(p, "before", d, "s3://data/ok.csv")["status"] == "ACTIVE", "an import")
        ballast = os.path.join(disk.dir, "ballast")

        def fill(leave):
            room = os.statvfs(disk.dir)
            with open(ballast, "wb") as f:
                f.write(bytes(max(0, room.f_bavail * room.f_frsize - leave)))

        acknowledged, unsure = set(), set()

        def until_refused(prefix):
            pad = {"impression": [f"{n:0200}" for n in range(25)]}
            for k in range(20000):
                ids = [f"{prefix}{k}-{i}" for i in range(5)]
                status, text = put_events(server, t, ids, **pad)
                if status == 200:
                    acknowledged.update(ids)
                    continue
                unsure.update(ids)
                return status, text
            return 200, ""

        for turn in range(3):
            fill(1_500_000)
            status, text = until_refused(f"t{turn}-")
            check(status == 503 and "The server's disk is full" in text, f"on a full disk an event is answered {status} {text[:300]}")
            for _ in range(3):
                more, _ = put_events(server, t, [f"refused{turn}"])
                if more == 200:  # something had room
                    acknowledged.add(f"refused{turn}")
                else:
                    unsure.add(f"refused{turn}")
            status, text = post(server, "/healthz", {})
            check(status == 200, f"/healthz on a full disk: {status} {text}")
            try:
                s3.put_object(Bucket="data", Key="big", Body=bytes(2_000_000))
                check(False, "an object had room on a full disk")
            except Exception as e:
                check("disk" in str(e) or "space" in str(e), f"an object on a full disk: {e}")
            check(s3.get_object(Bucket="data", Key="ok.csv")["ContentLength"] > 1000, "what is there can be read")
            if turn == 1:
                server.kill()
                os.remove(ballast)
                server.start()
            elif turn == 0:
                os.remove(ballast)
            else:
                server.kill()
                server.start()  # with no room at all
                os.remove(ballast)
            status, text = put_events(server, t, [f"again{turn}"])
            check(status == 200, f"with room again: {status} {text}")
            acknowledged.add(f"again{turn}")
        seen = {line.split(",")[1] for line in exported(p, s3, d, "all")}
        check(acknowledged <= seen, f"{len(acknowledged - seen)} acknowledged events are lost on a full disk")
        check({f"c{n}" for n in range(2000)} <= seen, "the import is there")
        check(seen - acknowledged - {f"c{n}" for n in range(2000)} <= unsure, "nothing is there that nobody sent")
        fill(100_000)
        arn = ""
        try:  # where there is no room for the job it is refused
            arn = p.create_dataset_import_job(jobName="full", datasetArn=d, dataSource={"dataLocation": "s3://data/ok.csv"}, roleArn=ROLE, importMode="INCREMENTAL")["datasetImportJobArn"]
            time.sleep(1.5)  # its first attempts find no room
        except Exception as e:
            check("disk is full" in str(e), f"an import on a full disk: {e}")
        os.remove(ballast)
        if arn:
            r = wait(lambda: p.describe_dataset_import_job(datasetImportJobArn=arn), "datasetImportJob")
            check(r["status"] == "ACTIVE", f"an import that began on a full disk: {r}")
        print(f"full disk: {len(acknowledged)} acknowledged events, {len(unsure)} refused", flush=True)


def refused(server_dir, want, *flags):
    """Starts a server that has to refuse."""
    r = subprocess.run([BINARY, "serve", "-listen", "127.0.0.1:0", "-data", server_dir, *flags], capture_output=True, text=True, timeout=30)
    check(r.returncode != 0 and want in r.stderr and server_dir in r.stderr and "goroutine" not in r.stderr, f"want {want!r}: {r.returncode} {r.stderr}")


def read_only_and_second():
    with Small(24) as disk:
        with Server("-fast", dir=disk.dir) as server:
            data = os.path.join(server.dir, "data")
            refused(data, "another usher is using it")
            server.stop()
            server.log.close()
            server.log = open(os.devnull, "ab")
            disk.mount("-o", "remount,ro", disk.dir)
            refused(data, "read-only")
            disk.mount("-o", "remount,rw", disk.dir)


# Wrong bits.

def flips():
    """A bit of an event on disk is changed: it is found by its checksum, the log
    of the server names it, and nothing wrong is answered."""
    with Server("-fast") as server:
        p = client("personalize")
        d, items, t = shop(p, "flip")
        put_events(server, t, ["first", "findme-xyzzy", "last"])
        server.stop()  # a clean stop: all is in usher.db
        path = os.path.join(server.dir, "data", "usher.db")
        data = bytearray(pathlib.Path(path).read_bytes())
        at = data.rfind(b"findme-xyzzy")
        check(at > 0, "the event is in the file")
        data[at + 3] ^= 4
        pathlib.Path(path).write_bytes(data)
        server.start()
        status, text = put_events(server, t, ["more"])
        check(status == 500, f"behind a damaged record: {status} {text}")
        log = pathlib.Path(server.dir, "log").read_text()
        check("damaged record" in log and "offset" in log, "the log names the damaged record")
        check(post(server, "/healthz", {})[0] == 200, "the server goes on")


def main():
    syncs()
    full()
    read_only_and_second()
    flips()
    done()


main()
