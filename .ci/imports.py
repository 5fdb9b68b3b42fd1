"""Data in and out: all five datasets, mixed files, bad rows, dry runs, what usher
tells of imports and data, and a backup of a server that is being written to."""
import json
import random
import threading

from usher import *

SCHEMAS = {
    "Interactions": INTERACTIONS, "Items": ITEMS, "Users": USERS,
    "Actions": """{"type":"record","name":"Actions","namespace":"com.amazonaws.personalize.schema","fields":[
        {"name":"ACTION_ID","type":"string"},{"name":"VALUE","type":["null","long"]},{"name":"CHANNEL","type":["null","string"],"categorical":true}],"version":"1.0"}""",
    "Action_Interactions": """{"type":"record","name":"ActionInteractions","namespace":"com.amazonaws.personalize.schema","fields":[
        {"name":"USER_ID","type":"string"},{"name":"ACTION_ID","type":"string"},{"name":"EVENT_TYPE","type":"string"},
        {"name":"TIMESTAMP","type":"long"}],"version":"1.0"}""",
}


def files():
    rnd = random.Random(5)
    rows = [(rnd.randint(1, 300), rnd.randint(1, 200), rnd.randint(1, 5), 1_000_000_000 + k) for k in range(6000)]
    title = ['plain', 'with "quotes", and a comma', 'two\nlines', 'ünï']
    quote = lambda text: '"' + text.replace('"', '""') + '"'
    return rows, {
        "Items": "ITEM_ID,TITLE,GENRES,YEAR\n" + "".join(f"{i},{quote(title[i % 4])},{'a|b' if i % 2 else 'c'},{1950 + i if i % 3 else ''}\n" for i in range(1, 221)),
        "Users": "USER_ID,AGE,GENDER\n" + "".join(f"{u},{20 + u % 50},{'mf'[u % 2]}\n" for u in range(1, 311)),
        "Actions": "ACTION_ID,VALUE,CHANNEL\n" + "".join(f"act{a},{a if a % 2 else ''},{'app' if a % 3 else ''}\n" for a in range(1, 11)),
        "Action_Interactions": "USER_ID,ACTION_ID,EVENT_TYPE,TIMESTAMP\n" + "".join(f"{u},act{u % 10 + 1},{('Viewed', 'Taken')[u % 2]},{1_000_000_000 + u}\n" for u in range(1, 201)),
    }


def datasets(p, name):
    """A group with all five datasets; gives its ARN and theirs by type."""
    g = p.create_dataset_group(name=name)["datasetGroupArn"]
    wait(lambda: p.describe_dataset_group(datasetGroupArn=g), "datasetGroup")
    arns = {}
    for kind, text in SCHEMAS.items():
        s = p.create_schema(name=f"{name}-{kind}", schema=text)["schemaArn"]
        arns[kind] = p.create_dataset(name=f"{name}-{kind}", datasetType=kind, datasetGroupArn=g, schemaArn=s)["datasetArn"]
    return g, arns


def with_headers(p, headers, call):
    """Makes a CreateDatasetImportJob with headers of usher's own."""
    def add(request, **_):
        for k, v in headers.items():
            request.headers.add_header(k, v)
    event = "before-sign.personalize.CreateDatasetImportJob"
    p.meta.events.register(event, add)
    try:
        return call()
    finally:
        p.meta.events.unregister(event, add)


def told(server, path):
    with urllib.request.urlopen(f"{server.url}/usher/v1/{path}") as r:
        return json.load(r)


def exported(p, s3, name, dataset, to):
    j = p.create_dataset_export_job(jobName=name, datasetArn=dataset, roleArn=ROLE, ingestionMode="ALL",
                                    jobOutput={"s3DataDestination": {"path": f"s3://data/{to}/"}})["datasetExportJobArn"]
    r = wait(lambda: p.describe_dataset_export_job(datasetExportJobArn=j), "datasetExportJob")
    check(r["status"] == "ACTIVE", f"export {name}: {r}")
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket="data", Prefix=f"{to}/{name}/")["Contents"]]
    texts = [s3.get_object(Bucket="data", Key=k)["Body"].read().decode() for k in keys]
    return sorted(line for t in texts for line in t.splitlines(keepends=True)[1:]), f"s3://data/{to}/{name}/", texts[0]


def imports(server, p, s3, rows, texts, arns):
    half = len(rows) // 2
    s3.put_object(Bucket="data", Key="events/1.csv", Body=csv(rows[:half]))
    s3.put_object(Bucket="data", Key="events/2.csv.gz", Body=gzip.compress(csv(rows[half:]).encode()))
    bad = csv(rows[:1500]).replace(",rate,5", ",rate,much", 3)
    s3.put_object(Bucket="data", Key="bad.csv", Body=bad)
    r = with_headers(p, {"x-usher-dry-run": "true"}, lambda: imported(p, "dry", arns["Interactions"], "s3://data/bad.csv"))
    check(r["status"] == "CREATE FAILED" and r["failureReason"].startswith("This was a dry run") and "3 bad values" in r["failureReason"], f"a dry run: {r}")
    r = with_headers(p, {"x-usher-max-bad-rows": "3"}, lambda: imported(p, "lax", arns["Interactions"], "s3://data/bad.csv"))
    check(r["status"] == "ACTIVE", f"three bad rows of three: {r}")
    r = told(server, "dataset-import-jobs/lax")
    check(r["report"]["rows"] == 1497 and len(r["report"]["bad"]) == 3 and r["report"]["bad"][0]["column"] == "EVENT_VALUE", f"report: {r}")
    r = imported(p, "events", arns["Interactions"], "s3://data/events/")
    check(r["status"] == "ACTIVE", f"a folder of CSV and gzip: {r}")
    check(told(server, "dataset-import-jobs/events")["report"]["rows"] == len(rows), "rows of the folder")
    users = os.path.join(server.dir, "users.csv")
    pathlib.Path(users).write_text(texts.pop("Users"))
    out = subprocess.run([BINARY, "import", "-dataset", "shop/USERS", users], check=True, capture_output=True, text=True).stdout
    check("310 rows are good, 0 are bad" in out, f"usher import says {out!r}")
    for kind, text in texts.items():
        s3.put_object(Bucket="data", Key=f"{kind}.csv", Body=text)
        r = imported(p, kind.replace("_", "-"), arns[kind], f"s3://data/{kind}.csv")
        check(r["status"] == "ACTIVE", f"{kind}: {r}")


def puts(p, events, g, arns):
    """Records one by one; gives the trackingId for events."""
    events.put_actions(datasetArn=arns["Actions"], actions=[{"actionId": "act1", "properties": '{"value": 9}'}, {"actionId": "fresh"}])
    acted = p.describe_dataset(datasetArn=arns["Action_Interactions"])["dataset"]["trackingId"]
    events.put_action_interactions(trackingId=acted, actionInteractions=[
        {"actionId": "act1", "userId": "1", "sessionId": "s", "timestamp": 1_000_000_900, "eventType": "NOT_TAKEN", "eventId": "one"}])
    tracking = p.create_event_tracker(name="t", datasetGroupArn=g)["trackingId"]
    for wrong in (lambda: events.put_events(trackingId=acted, sessionId="s", eventList=[{"eventType": "x", "itemId": "1", "sentAt": 1_000_000_000}]),
                  lambda: events.put_action_interactions(trackingId=tracking, actionInteractions=[
                      {"actionId": "act1", "sessionId": "s", "timestamp": 1_000_000_900, "eventType": "Taken"}])):
        try:
            wrong()
            check(False, "a tracking id of the other kind is taken")
        except events.exceptions.InvalidInputException as e:
            check("tracking id" in str(e), f"the other tracking id: {e}")
    events.put_events(trackingId=tracking, sessionId="s1", userId="1", eventList=[{"eventType": "buy", "itemId": "7", "sentAt": 1_000_100_000}])
    return tracking


def round_trip(server, p, s3, arns):
    """All datasets exported, imported elsewhere and exported again."""
    _, other = datasets(p, "other")
    for kind, arn in arns.items():
        name = kind.replace("_", "-").lower()
        lines, place, text = exported(p, s3, f"out-{name}", arn, "out")
        r = imported(p, f"again-{name}", other[kind], place)
        check(r["status"] == "ACTIVE", f"{kind} imported again: {r}")
        again, _, _ = exported(p, s3, f"again-{name}", other[kind], "out")
        check(lines == again and len(lines) > 5, f"{kind}: {len(lines)} lines exported, {len(again)} again")
        if kind == "Interactions":  # a row whose EVENT_VALUE a live event left out is among them
            check("1,7,1000100000,buy,\n" in lines, "the live event is exported")
        sample = os.path.join(server.dir, "sample.csv")
        pathlib.Path(sample).write_text(text)
        out = subprocess.run([BINARY, "import", "-propose", sample], check=True, capture_output=True, text=True)
        check(p.create_schema(name=f"proposed-{name}", schema=out.stdout)["schemaArn"], f"a schema for {kind}")


def looks(server):
    s = told(server, "dataset-groups/shop/statistics")
    by = {d["datasetType"]: d for d in s["datasets"]}
    check(len(by) == 5 and by["INTERACTIONS"]["rows"] == 6001 and by["INTERACTIONS"]["interactions"]["users"] == 300, f"statistics: {by['INTERACTIONS']['rows']} {by['INTERACTIONS']['interactions']}")
    check(by["ITEMS"]["rows"] == 220 and by["ITEMS"]["idle"] == 20 and by["ACTIONS"]["rows"] == 11, f"items: {by['ITEMS']['rows']}, {by['ITEMS']['idle']}; actions {by['ACTIONS']['rows']}")
    year = next(c for c in by["ITEMS"]["columns"] if c["name"] == "YEAR")
    check(year["missing"] == 73 and year["numbers"]["least"] == 1951, f"years: {year}")
    found = {i["check"] for i in told(server, "dataset-groups/shop/insights")["insights"]}
    check({"few-interactions", "few-repeated-users", "idle-items", "idle-users", "missing-values", "incomplete-column"} <= found, f"insights: {found}")


def backup(server, p, s3, rt, events, g, tracking, arns):
    """A backup while events are put: what was acknowledged before is in it, and
    nothing that was never sent."""
    _, v, r = trained(p, "pop", g, "aws-popularity-count")
    c, r = deployed(p, "pop", v)
    check(r["status"] == "ACTIVE", f"campaign: {r}")
    acknowledged, stop = [], threading.Event()

    def put():
        k = 0
        while not stop.is_set():
            k += 1
            events.put_events(trackingId=tracking, sessionId="live", userId="live", eventList=[
                {"eventType": "live", "itemId": str(k), "sentAt": 1_200_000_000 + k, "eventId": f"live{k}"}])
            acknowledged.append(k)

    writer = threading.Thread(target=put)
    writer.start()
    while len(acknowledged) < 50:
        time.sleep(0.01)
    before = len(acknowledged)
    to, restored = os.path.join(server.dir, "backup"), os.path.join(server.dir, "restored")
    subprocess.run([BINARY, "backup", "-data", os.path.join(server.dir, "data"), to], check=True, stdout=subprocess.DEVNULL)
    while len(acknowledged) < before + 50:
        time.sleep(0.01)
    stop.set()
    writer.join()
    want = [i["itemId"] for i in rt.get_recommendations(campaignArn=c, userId="1", numResults=10)["itemList"]]
    server.stop()
    subprocess.run([BINARY, "restore", "-data", restored, to], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(os.path.join(server.dir, "data"))
    os.rename(restored, os.path.join(server.dir, "data"))
    server.start()
    wait(lambda: p.describe_campaign(campaignArn=c), "campaign")
    got = [i["itemId"] for i in rt.get_recommendations(campaignArn=c, userId="1", numResults=10)["itemList"]]
    check(got == want, f"the restored server recommends {got}, want {want}")
    lines, _, _ = exported(p, s3, "after", arns["Interactions"], "after")
    live = sorted(int(line.split(",")[1]) for line in lines if line.startswith("live,"))
    check(live == list(range(1, len(live) + 1)) and before <= len(live) <= len(acknowledged), f"{len(live)} live events in the backup, {before} were acknowledged before it, {len(acknowledged)} in all")
    check(s3.get_object(Bucket="data", Key="bad.csv")["Body"].read(), "an object of the bucket")
    s3.create_bucket(Bucket="backups")
    elsewhere = os.path.join(server.dir, "elsewhere")
    subprocess.run([BINARY, "backup", "-data", os.path.join(server.dir, "data"), "s3://backups/tuesday"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([BINARY, "restore", "-data", elsewhere, "s3://backups/tuesday"], check=True, stdout=subprocess.DEVNULL)
    same = [open(os.path.join(d, "buckets", "data", "bad.csv"), "rb").read() for d in (elsewhere, os.path.join(server.dir, "data"))]
    check(same[0] == same[1] and os.path.exists(os.path.join(elsewhere, "usher.db")), "a backup in a bucket is restored")
    looked = told(server, "dataset-groups/shop/statistics")["datasets"][0]["rows"]
    check(looked == 6001 + len(live), f"{looked} interactions after the restore")


def main():
    rows, texts = files()
    with Server() as server:
        p, rt, events, s3 = client("personalize"), client("personalize-runtime"), client("personalize-events"), boto3.client("s3")
        s3.create_bucket(Bucket="data")
        g, arns = datasets(p, "shop")
        imports(server, p, s3, rows, texts, arns)
        tracking = puts(p, events, g, arns)
        looks(server)
        round_trip(server, p, s3, arns)
        backup(server, p, s3, rt, events, g, tracking, arns)
    done()


main()
