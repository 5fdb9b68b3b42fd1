"""Data deletion as a customer sees it: users named in CSV files are gone from
answers at once, and when the job is COMPLETED their ids are in no file of usher's
own. Here the bytes of all files and exports are searched; the texts in Parquet files,
which are compressed, are searched by the tests of retention."""
import json
import random
import urllib.error

from usher import *

dice = random.Random()


def canary(what):
    return f"{what}-{dice.getrandbits(80):020x}"


def files_with(server, texts):
    """The files of the data folder, but the customer's buckets, that hold a text."""
    found = []
    data = pathlib.Path(server.dir, "data")
    for f in data.rglob("*"):
        if f.is_file() and "buckets" not in f.relative_to(data).parts:
            b = f.read_bytes()
            found += [f"{t} in {f.relative_to(data)}" for t in texts if t.encode() in b]
    return found


def call(server, path, body=None):
    """A call of an extension; gives status and answer."""
    req = urllib.request.Request(f"{server.url}/usher/v1/{path}", data=body and json.dumps(body).encode(), headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(req, timeout=30) as r:
            return r.status, json.loads(r.read())
    except urllib.error.HTTPError as e:
        return e.code, json.loads(e.read())


def rows_of(p, s3, dataset, name):
    arn = p.create_dataset_export_job(jobName=name, datasetArn=dataset, ingestionMode="ALL", roleArn=ROLE, jobOutput={"s3DataDestination": {"path": "s3://out/"}})["datasetExportJobArn"]
    r = wait(lambda: p.describe_dataset_export_job(datasetExportJobArn=arn), "datasetExportJob")
    check(r["status"] == "ACTIVE", f"the export is {r}")
    text = ""
    for o in s3.list_objects_v2(Bucket="out", Prefix=f"{name}/")["Contents"]:
        text += s3.get_object(Bucket="out", Key=o["Key"])["Body"].read().decode()
        s3.delete_object(Bucket="out", Key=o["Key"])
    return text


def ended(p, arn):
    return wait(lambda: p.describe_data_deletion_job(dataDeletionJobArn=arn), "dataDeletionJob", until=("COMPLETED", "FAILED"))


def refused(code, fn, *words):
    try:
        fn()
        check(False, f"{words} was not refused")
    except Exception as e:
        got = getattr(e, "response", {}).get("Error", {})
        check(got.get("Code") == code and all(w in got.get("Message", "") for w in words), f"{words}: {e}")


def main():
    bulk, live, session, single = canary("bulk"), canary("live"), canary("session"), canary("single")
    mine = [bulk, live, session]
    thing = canary("thing")
    with Server("-fast", "-hot-records", "40") as server:
        p, s3, e = client("personalize"), client("s3"), client("personalize-events")
        for bucket in ("data", "out"):
            s3.create_bucket(Bucket=bucket)
        g, interactions = group(p, "shop")
        sc = p.create_schema(name="users", schema=USERS)["schemaArn"]
        users = p.create_dataset(name="users", datasetType="Users", datasetGroupArn=g, schemaArn=sc)["datasetArn"]
        tracking = p.create_event_tracker(name="t", datasetGroupArn=g)["trackingId"]
        rows = [(f"u{i % 40}", f"i{i % 25}", 3, 1_600_000_000 + i) for i in range(1200)] + [(bulk, "i1", 3, 1_600_000_000), (single, "i2", 3, 1_600_000_000)]
        s3.put_object(Bucket="data", Key="x.csv", Body=csv(rows).encode())
        s3.put_object(Bucket="data", Key="users.csv", Body=f"USER_ID,AGE,GENDER\nu1,30,x\n{bulk},31,x\n".encode())
        for name, d in (("x", interactions), ("users", users)):
            arn = p.create_dataset_import_job(jobName=name, datasetArn=d, roleArn=ROLE, dataSource={"dataLocation": f"s3://data/{name}.csv"})["datasetImportJobArn"]
            r = wait(lambda: p.describe_dataset_import_job(datasetImportJobArn=arn), "datasetImportJob")
            check(r["status"] == "ACTIVE", f"the import of {name} is {r}")

        def send(user, item, at, **more):
            e.put_events(trackingId=tracking, sessionId=more.pop("session", f"s-{user}"), **({"userId": user} if user else {}),
                         eventList=[{"eventType": "view", "itemId": item, "sentAt": at, "eventValue": 1}])

        send(None, "i3", 1_700_000_000, session=session)
        send(live, "i4", 1_700_000_001, session=session)
        for i in range(100):
            send(["u1", live, "u2"][i % 3], f"i{i % 20}", 1_700_000_100 + i)
        for i in range(40):
            send(f"u{i}", thing, 1_700_000_300 + i)
        before = rows_of(p, s3, interactions, "before")
        check(all(t in before for t in (bulk, live)), "the users are in an export")

        for n, (bad, words) in enumerate((("s3://data/none/", "no CSV file"), ("s3://data/x.csv", "several columns"))):
            arn = p.create_data_deletion_job(jobName=f"bad{n}", datasetGroupArn=g, dataSource={"dataLocation": bad}, roleArn=ROLE)["dataDeletionJobArn"]
            r = ended(p, arn)
            check(r["status"] == "FAILED" and words in r["failureReason"], f"from {bad}: {r}")
        refused("InvalidInputException", lambda: p.create_data_deletion_job(jobName="x", datasetGroupArn=g, dataSource={"dataLocation": "http://in/x"}, roleArn=ROLE), "Invalid Data location")

        campaign, seen = deploy(p, g)
        runtime = client("personalize-runtime")

        def unseen(user):
            """What a user is recommended of what he has not had."""
            return [i["itemId"] for i in runtime.get_recommendations(campaignArn=campaign, userId=user, numResults=25, filterArn=seen)["itemList"]]

        check("i4" not in unseen(live) and "i3" not in unseen(session), "the history of a user counts")
        s3.put_object(Bucket="data", Key="gone/1.csv", Body=f"USER_ID\n{bulk}\nnobody\n".encode())
        s3.put_object(Bucket="data", Key="gone/more/2.csv", Body=f"USER_ID\n{live}\n".encode())
        s3.put_object(Bucket="data", Key="gone/README", Body=b"not data")
        shutil.copytree(pathlib.Path(server.dir, "data", "blobs"), pathlib.Path(server.dir, "data", ".backup", "blobs"))  # as a backup that was killed leaves it
        arn = p.create_data_deletion_job(jobName="gone", datasetGroupArn=g, dataSource={"dataLocation": "s3://data/gone/"}, roleArn=ROLE)["dataDeletionJobArn"]
        refused("ResourceAlreadyExistsException", lambda: p.create_data_deletion_job(jobName="gone", datasetGroupArn=g, dataSource={"dataLocation": "s3://data/gone/"}, roleArn=ROLE), "gone")
        r = ended(p, arn)
        # 1 and a record; 33 in the loop, 1 of his own and 1 of the session that was joined to him
        check(r["status"] == "COMPLETED" and r["numDeleted"] == 37, f"the job is {r}")
        check(r["datasetGroupArn"] == g and r["dataSource"]["dataLocation"] == "s3://data/gone/", f"the job is {r}")
        check("i4" in unseen(live) and "i3" in unseen(session), "who was deleted has no history")
        check(not files_with(server, mine), f"left are {files_with(server, mine)}")
        check(not pathlib.Path(server.dir, "data", ".backup").exists(), "what a killed backup left is gone")
        for name, d in (("after", interactions), ("after-users", users)):
            text = rows_of(p, s3, d, name)
            check(not any(t in text for t in mine) and "u1," in text, f"the export {name}")
        check(sum(line.startswith("u1,") for line in before.splitlines()) == sum(line.startswith("u1,") for line in rows_of(p, s3, interactions, "u1").splitlines()), "others have lost nothing")
        status, report = call(server, "data-deletion-jobs/gone")
        check(status == 200 and report["report"]["known"] == 2 and "s3://data/x.csv" in report["report"]["objects"] and report["report"]["versions"], f"report {report}")
        check(s3.get_object(Bucket="data", Key="gone/1.csv")["Body"].read().startswith(b"USER_ID"), "the customer's objects stay")

        status, answer = call(server, "dataset-groups/shop/user-deletions", {"jobName": "one", "users": [single]})
        check(status == 200, f"by name: {status} {answer}")
        r = ended(p, answer["dataDeletionJobArn"])
        check(r["status"] == "COMPLETED" and r["numDeleted"] == 1, f"by name: {r}")
        check(not files_with(server, [single]), f"left are {files_with(server, [single])}")
        check(call(server, "dataset-groups/shop/user-deletions", {"jobName": "two", "users": []})[0] == 400, "nobody is refused")

        def recommended():
            return [i["itemId"] for i in runtime.get_recommendations(campaignArn=campaign, userId="u1", numResults=25)["itemList"]]

        check(recommended()[0] == thing, "the item that most have had comes first")
        status, answer = call(server, "dataset-groups/shop/item-deletions", {"jobName": "item", "itemIds": [thing]})
        check(status == 200, f"an item: {status} {answer}")
        check(thing not in recommended() and len(recommended()) == 25, f"recommended are {recommended()}")
        r = ended(p, answer["dataDeletionJobArn"])
        check(r["status"] == "COMPLETED" and r["numDeleted"] == 40, f"an item: {r}")
        check(not files_with(server, [thing]), f"left are {files_with(server, [thing])}")
        check(thing not in rows_of(p, s3, interactions, "without-item"), "the export without the item")

        server.kill()
        server.start()
        check(thing not in recommended() and len(recommended()) == 25, "after kill -9 the item is not answered")
        check("i4" in unseen(live), "after kill -9 who was deleted has no history")
        check(not files_with(server, mine + [single, thing]), f"after kill -9 left are {files_with(server, mine + [single, thing])}")
        send(live, "i4", 1_700_001_000)
        check("i4" not in unseen(live), "who comes with that id later is somebody new")
        jobs = p.list_data_deletion_jobs(datasetGroupArn=g)["dataDeletionJobs"]
        check([j["jobName"] for j in jobs] == ["item", "one", "gone", "bad1", "bad0"], f"listed are {jobs}")
    done()


def deploy(p, g):
    s = p.create_solution(name="all", datasetGroupArn=g, recipeArn="arn:aws:personalize:::recipe/aws-popularity-count", performAutoTraining=False)["solutionArn"]
    v = p.create_solution_version(solutionArn=s)["solutionVersionArn"]
    r = wait(lambda: p.describe_solution_version(solutionVersionArn=v), "solutionVersion")
    check(r["status"] == "ACTIVE", f"the version is {r}")
    f = p.create_filter(name="seen", datasetGroupArn=g, filterExpression='EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")')["filterArn"]
    c = p.create_campaign(name="all", solutionVersionArn=v, minProvisionedTPS=1)["campaignArn"]
    r = wait(lambda: p.describe_campaign(campaignArn=c), "campaign")
    check(r["status"] == "ACTIVE", f"the campaign is {r}")
    return c, f


main()
