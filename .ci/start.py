"""How long a start takes with as many interactions as the first argument says, and
how much memory: from the start of the process to an answer that needs a model, the
user's history and a filter over it. The second argument is their CSV.

Some of the interactions are live events, so that there are segments and a tail."""
import json
import re
import threading

from usher import *

ROWS, CSV = int(sys.argv[1]), sys.argv[2]
EVENTS = 300_000  # live: more than stay in the database


def status(server, name):
    text = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M)[1]) / 1024


def cpu(server):
    """The processor's seconds that the process has had: a busy machine does not change them."""
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def import_rows(p, s3, dataset):
    s3.create_bucket(Bucket="data")
    s3.upload_file(CSV, "data", "interactions.csv")
    began = time.monotonic()
    arn = p.create_dataset_import_job(jobName="all", datasetArn=dataset, roleArn=ROLE, dataSource={"dataLocation": "s3://data/interactions.csv"})["datasetImportJobArn"]
    r = wait(lambda: p.describe_dataset_import_job(datasetImportJobArn=arn), "datasetImportJob", minutes=20, sleep=0.2)
    check(r["status"] == "ACTIVE", f"the import is {r}")
    s3.delete_object(Bucket="data", Key="interactions.csv")
    return time.monotonic() - began


def send_events(tracking):
    """Live events of other users, from a few connections."""
    def send(n):
        e = client("personalize-events")
        for k in range(n, EVENTS // 10, 8):
            e.put_events(trackingId=tracking, userId=f"u{k % 20000:08x}", sessionId=f"s{k % 9000}", eventList=[
                {"eventId": f"{k}-{i}", "eventType": "view", "itemId": f"i{(k * 7 + i) % 5000:08x}", "sentAt": 1_740_000_000 + k} for i in range(10)])
    threads = [threading.Thread(target=send, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def deploy(p, group):
    s = p.create_solution(name="all", datasetGroupArn=group, recipeArn="arn:aws:personalize:::recipe/aws-popularity-count", performAutoTraining=False)["solutionArn"]
    v = p.create_solution_version(solutionArn=s)["solutionVersionArn"]
    r = wait(lambda: p.describe_solution_version(solutionVersionArn=v), "solutionVersion", minutes=20, sleep=0.5)
    check(r["status"] == "ACTIVE", f"the version is {r}")
    f = p.create_filter(name="seen", datasetGroupArn=group, filterExpression='EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")')["filterArn"]
    c = p.create_campaign(name="all", solutionVersionArn=v, minProvisionedTPS=1)["campaignArn"]
    r = wait(lambda: p.describe_campaign(campaignArn=c), "campaign", minutes=5, sleep=0.2)
    check(r["status"] == "ACTIVE", f"the campaign is {r}")
    return c, f


def ready(server, ask):
    """Gives the seconds from the start of the process to an answer, and it."""
    began = time.monotonic()
    server.start()
    while True:
        try:
            answer = ask()
            return time.monotonic() - began, answer
        except Exception:
            if time.monotonic() - began > 120:
                raise
            time.sleep(0.02)


def hot(server):
    """Counts the records that are in the database, as sqlite3 sees them."""
    import sqlite3
    db = sqlite3.connect(f"file:{server.dir}/data/usher.db?mode=ro", uri=True)
    return db.execute("select coalesce(sum(count), 0) from log").fetchone()[0]


def main():
    with Server("-fast", "-quotas", "none") as server:
        p, s3 = client("personalize"), client("s3")
        schema = {"type": "record", "name": "Interactions", "version": "1.0", "fields": [
            {"name": "USER_ID", "type": "string"}, {"name": "ITEM_ID", "type": "string"}, {"name": "EVENT_TYPE", "type": "string"},
            {"name": "EVENT_VALUE", "type": ["null", "float"]}, {"name": "TIMESTAMP", "type": "long"}]}
        own = [c for c in open(CSV).readline().strip().split(",") if c in ("DEVICE", "COUNTRY", "HOUR")]
        schema["fields"] += [{"name": c, "type": ["null", "string"], "categorical": True} for c in own]
        group = p.create_dataset_group(name="all")["datasetGroupArn"]
        sc = p.create_schema(name="all", schema=json.dumps(schema))["schemaArn"]
        dataset = p.create_dataset(name="all", datasetType="Interactions", datasetGroupArn=group, schemaArn=sc)["datasetArn"]
        tracking = p.create_event_tracker(name="all", datasetGroupArn=group)["trackingId"]
        seconds = import_rows(p, s3, dataset)
        send_events(tracking)
        campaign, seen = deploy(p, group)
        runtime = client("personalize-runtime")
        user = open(CSV).readlines(200)[1].split(",")[0]
        ask = lambda: [i["itemId"] for i in runtime.get_recommendations(campaignArn=campaign, userId=user, numResults=25, filterArn=seen)["itemList"]]
        want = ask()
        wait_for_states(server)
        stopped, killed, memory, peak, seconds_of_cpu = [], [], [], [], []
        for _ in range(3):
            for how, times in ((server.stop, stopped), (server.kill, killed)):
                how()
                t, got = ready(server, ask)
                check(got == want, "another answer after a restart")
                times.append(t)
                seconds_of_cpu.append(cpu(server))
                memory.append(status(server, "VmRSS"))
                peak.append(status(server, "VmHWM"))
        check(max(stopped + killed) <= 10, f"not ready within 10 s: {stopped} {killed}")
        check(max(peak) <= 2048, f"more than 2 GiB: {peak} MiB")
        check(hot(server) < 1_000_000, f"{hot(server)} records are hot")
        folder = pathlib.Path(server.dir, "data", "blobs")
        sizes = {room: sum(f.stat().st_size for f in (folder / room).rglob("*") if f.is_file()) / 2**20 for room in ("parts", "segments", "states")}
        print(f"""
interactions                  {ROWS} imported, {EVENTS} live
import                        {seconds:.0f} s
ready after a stop            {max(stopped):.2f} s (worst of 3) from start to the first answer
ready after kill -9           {max(killed):.2f} s (worst of 3)
processor's time until then   {max(seconds_of_cpu):.2f} s (worst of 6)
memory when ready             {max(memory):.0f} MiB, at most {max(peak):.0f} MiB on the way
records in the database       {hot(server)}
on disk, MiB                  {', '.join(f'{k} {v:.0f}' for k, v in sizes.items())}; {sizes['states'] * 2**20 / (ROWS + EVENTS):.1f} bytes of state an interaction""")
    done()


def wait_for_states(server):
    """Waits until the group's state is saved and nothing is being written."""
    folder = pathlib.Path(server.dir, "data", "blobs")
    for _ in range(600):
        if list((folder / "states").rglob("*/*")) and not list((folder / ".tmp").glob("*")):
            return
        time.sleep(0.1)
    check(False, "no state was saved")


main()
