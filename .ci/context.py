"""Beyond ids, with unmodified boto3 on a small made-up shop: what a user takes
depends on the device at hand and on the user's team. The context of a request and
the user's record decide, also of those who came after the training."""
import json
import random

from usher import *

ITEMS_EACH, DEVICES, TEAMS = 4, ["phone", "desk", "watch"], ["red", "green", "blue"]
FIELDS = lambda name, *fields: json.dumps({"type": "record", "name": name, "namespace": "com.amazonaws.personalize.schema", "version": "1.0",
                                           "fields": [{"name": n, "type": t, **kw} for n, t, kw in fields]})
INTERACTIONS = FIELDS("Interactions", ("USER_ID", "string", {}), ("ITEM_ID", "string", {}), ("TIMESTAMP", "long", {}),
                      ("DEVICE", ["null", "string"], {"categorical": True}), ("NOISE", ["null", "int"], {}))
USERS = FIELDS("Users", ("USER_ID", "string", {}), ("TEAM", "string", {"categorical": True}))


def shop():
    rng = random.Random(11)
    events, users = [], []
    for u in range(300):
        team = rng.randrange(3)
        users.append(f"u{u},{TEAMS[team]}")
        for k in range(8):
            device = rng.randrange(3)
            item = f"i-{TEAMS[team]}-{DEVICES[device]}-{rng.randrange(ITEMS_EACH)}"
            events.append(f"u{u},{item},{1_700_000_000 + 977 * u + 60 * k},{DEVICES[device]},{rng.randrange(9)}")
    return events, users


def load(p):
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="shop")
    events, users = shop()
    g = p.create_dataset_group(name="shop")["datasetGroupArn"]
    wait(lambda: p.describe_dataset_group(datasetGroupArn=g), "datasetGroup")
    made = {}
    for kind, schema, header, rows in (("Interactions", INTERACTIONS, "USER_ID,ITEM_ID,TIMESTAMP,DEVICE,NOISE", events), ("Users", USERS, "USER_ID,TEAM", users)):
        s3.put_object(Bucket="shop", Key=kind + ".csv", Body=("\n".join([header, *rows]) + "\n").encode())
        s = p.create_schema(name="shop-" + kind, schema=schema)["schemaArn"]
        made[kind] = p.create_dataset(name="shop-" + kind, datasetType=kind, datasetGroupArn=g, schemaArn=s)["datasetArn"]
        wait(lambda: p.describe_dataset(datasetArn=made[kind]), "dataset")
        check(imported(p, "shop-" + kind, made[kind], f"s3://shop/{kind}.csv")["status"] == "ACTIVE", f"import of {kind}")
    return g, made


def share(list_, part):
    """How many of the first four items have a part in their name."""
    return sum(part in i["itemId"].split("-") for i in list_[:ITEMS_EACH]) / ITEMS_EACH


def answers(p, runtime, g, made):
    _, v, r = trained(p, "shop", g, "aws-user-personalization-v2")
    check(r["status"] == "ACTIVE", f"training: {r.get('failureReason')}")
    c, _ = deployed(p, "shop", v)
    with_, without = [], []
    for u in range(0, 30):
        for d in DEVICES:
            with_.append(share(runtime.get_recommendations(campaignArn=c, userId=f"u{u}", context={"DEVICE": d})["itemList"], d))
            without.append(share(runtime.get_recommendations(campaignArn=c, userId=f"u{u}")["itemList"], d))
    with_, without = sum(with_) / len(with_), sum(without) / len(without)
    check(with_ > .9 and without < .5, f"{with_:.2f} of the answers suit the device that is given, {without:.2f} without")

    users = client("personalize-events")
    users.put_users(datasetArn=made["Users"], users=[{"userId": f"new-{t}", "properties": json.dumps({"team": t})} for t in TEAMS])
    for t in TEAMS:
        got = runtime.get_recommendations(campaignArn=c, userId=f"new-{t}", context={"DEVICE": "watch"})["itemList"]
        check(share(got, t) == 1 and share(got, "watch") > .7, f"a new user of team {t} on a watch gets {[i['itemId'] for i in got[:4]]}")
        check(not any(i.get("reason") for i in got), f"it is no popular item that a new user of a team gets: {got[0]}")
    try:
        runtime.get_recommendations(campaignArn=c, userId="u1", context={"WEATHER": "rain"})
        check(False, "a column that does not exist")
    except runtime.exceptions.InvalidInputException as e:
        check("WEATHER" in str(e), str(e))


def rankings(p, runtime, g):
    _, v, _ = trained(p, "shop-rank", g, "aws-personalized-ranking-v2")
    c, _ = deployed(p, "shop-rank", v)
    list_ = [f"i-{t}-{d}-0" for t in TEAMS for d in DEVICES]
    right = 0
    for u in range(0, 40):
        for d in DEVICES:
            got = runtime.get_personalized_ranking(campaignArn=c, userId=f"u{u}", inputList=list_, context={"device": d})["personalizedRanking"]
            right += got[0]["itemId"].endswith(f"-{d}-0")
    check(right > 110, f"{right} of 120 rankings begin with the device's item")


def excluded(p, runtime, g):
    """Columns that are excluded from training say nothing."""
    _, v, _ = trained(p, "shop-bare", g, "aws-user-personalization-v2", trainingDataConfig={"excludedDatasetColumns": {"INTERACTIONS": ["DEVICE"], "USERS": ["TEAM"]}})
    c, _ = deployed(p, "shop-bare", v)
    lists = {tuple(i["itemId"] for i in runtime.get_recommendations(campaignArn=c, userId="u1", context={"DEVICE": d})["itemList"]) for d in DEVICES}
    check(len(lists) == 1, "the device says nothing where it is excluded")


with Server("-fast") as server:
    p, runtime = client("personalize"), client("personalize-runtime")
    g, made = load(p)
    answers(p, runtime, g, made)
    rankings(p, runtime, g)
    excluded(p, runtime, g)
done()
