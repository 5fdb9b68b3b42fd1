"""Impressions, with unmodified boto3 on a small made-up shop: users keep to a shelf and
like a half of it that is their own. What they were shown and did not take is imported
with the events, and put with them, by a list or by the recommendationId of an answer;
what a user passes over stands lower in the next answer."""
import random

from usher import *

SHELVES, EACH, AT_ONCE = 6, 14, 5
BEGIN = 1_700_000_000
SCHEMA = """{"type":"record","name":"Interactions","namespace":"com.amazonaws.personalize.schema","fields":[
{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"},
{"name":"IMPRESSION","type":["null","string"]},{"name":"RECOMMENDATION_ID","type":["null","string"]}],"version":"1.0"}"""


def shop():
    """Rows of events, with what was shown beside what was taken."""
    rng = random.Random(3)
    rows = []
    for u in range(500):
        left = [f"s{u % SHELVES}-{n}" for n in range(EACH)]
        likes, at, taken = set(rng.sample(left, EACH // 2)), BEGIN + 1000 * u, 0
        while taken < 6:
            at += 60
            shown = rng.sample(left, min(AT_ONCE, len(left)))
            item = next((i for n, i in enumerate(shown) if i in likes and rng.random() < .9 ** n), None)
            if item:
                left.remove(item)
                rows.append(f"u{u},{item},{at},{'|'.join(shown)},")
                taken += 1
    return rows


def ids(answer):
    return [i["itemId"] for i in answer["itemList"]]


def passed_over(pe, rt, tracker, campaign):
    """A visitor takes one thing, and passes over what stood first beside it: by the list
    itself, and by the answer that had it."""
    def put(user, item, at, **kw):
        pe.put_events(trackingId=tracker, userId=user, sessionId=user, eventList=[{"eventType": "take", "itemId": item, "sentAt": BEGIN + 10**6 + at, **kw}])
    for user, how in (("listed", "impression"), ("answered", "recommendationId")):
        put(user, "s2-0", 0)
        for at in range(1, 4):
            a = rt.get_recommendations(campaignArn=campaign, userId=user, numResults=AT_ONCE)
            before = [i for i in ids(a) if i.startswith("s2-")]
            taken, first = before[-1], before[0]
            put(user, taken, at, **{how: ids(a) if how == "impression" else a["recommendationId"]})
            after = [i for i in ids(rt.get_recommendations(campaignArn=campaign, userId=user, numResults=SHELVES * EACH)) if i.startswith("s2-")]
            check(taken not in after[:EACH // 2], f"{user}: {taken} was taken, and the next answer begins {after}")
            check(after.index(first) >= 2, f"{user}: {first} was passed over by {how}, and is at {after.index(first)} of {after}")


def main():
    with Server() as server:
        p, pe, rt, s3 = client("personalize"), client("personalize-events"), client("personalize-runtime"), boto3.client("s3")
        s3.create_bucket(Bucket="shop")
        s3.put_object(Bucket="shop", Key="events.csv", Body="\n".join(["USER_ID,ITEM_ID,TIMESTAMP,IMPRESSION,RECOMMENDATION_ID"] + shop()).encode())
        g, events = group(p, "shop", SCHEMA)
        check(imported(p, "events", events, "s3://shop/events.csv")["status"] == "ACTIVE", "import of events")
        _, version, r = trained(p, "shop", g, "aws-user-personalization-v2")
        check(r["status"] == "ACTIVE", f"{r}")
        campaign, _ = deployed(p, "shop", version)
        tracker = p.create_event_tracker(name="t", datasetGroupArn=g)["trackingId"]
        passed_over(pe, rt, tracker, campaign)

        j = p.create_dataset_export_job(jobName="put", datasetArn=events, roleArn=ROLE, ingestionMode="PUT", jobOutput={"s3DataDestination": {"path": "s3://shop/out/"}})["datasetExportJobArn"]
        check(wait(lambda: p.describe_dataset_export_job(datasetExportJobArn=j), "datasetExportJob")["status"] == "ACTIVE", "export")
        lines = [l for o in s3.list_objects_v2(Bucket="shop", Prefix="out/")["Contents"] for l in s3.get_object(Bucket="shop", Key=o["Key"])["Body"].read().decode().splitlines()]
        for user in "listed", "answered":
            mine = [l for l in lines if l.startswith(user + ",")]
            check(len(mine) == 4 and sum(l.count("|") == AT_ONCE - 1 for l in mine) == 3, f"the export has the impressions of {user}: {mine}")

        before = ids(rt.get_recommendations(campaignArn=campaign, userId="answered", numResults=20))
        server.kill()
        server.start()
        check(ids(rt.get_recommendations(campaignArn=campaign, userId="answered", numResults=20)) == before, "what was passed over is known after kill -9")
    done()


main()
