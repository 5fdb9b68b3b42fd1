"""Beyond ids, with unmodified boto3 on a small made-up shop: what a user takes
depends on the device at hand and on the user's team. The context of a request and
the user's record decide, also of those who came after the training. A model of
language behind -embed-url says what items are like that nobody has had."""
import http.server
import json
import random
import threading

from usher import *

NEW = 12  # items of each team that nobody has had
ITEMS_EACH, DEVICES, TEAMS = 4, ["phone", "desk", "watch"], ["red", "green", "blue"]
FIELDS = lambda name, *fields: json.dumps({"type": "record", "name": name, "namespace": "com.amazonaws.personalize.schema", "version": "1.0",
                                           "fields": [{"name": n, "type": t, **kw} for n, t, kw in fields]})
INTERACTIONS = FIELDS("Interactions", ("USER_ID", "string", {}), ("ITEM_ID", "string", {}), ("TIMESTAMP", "long", {}),
                      ("DEVICE", ["null", "string"], {"categorical": True}), ("NOISE", ["null", "int"], {}))
ITEMS = FIELDS("Items", ("ITEM_ID", "string", {}), ("ABOUT", "string", {"textual": True}))
USERS = FIELDS("Users", ("USER_ID", "string", {}), ("TEAM", "string", {"categorical": True}))


class Embeddings(http.server.BaseHTTPRequestHandler):
    """Knows what is meant by words that no two texts share."""
    meaning, asked, down = {}, [], False

    def do_POST(self):
        texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
        self.asked += texts
        body = b"down" if self.down else json.dumps({"data": [{"index": i, "embedding": self.meaning[x]} for i, x in enumerate(texts)]}).encode()
        self.send_response(500 if self.down else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def items():
    """Items with a word each, all different, and what the words mean."""
    rng = random.Random(12)
    names = [f"i-{t}-{d}-{n}" for t in TEAMS for d in DEVICES for n in range(ITEMS_EACH)] + [f"n-{t}-{n}" for t in TEAMS for n in range(NEW)]
    for k, name in enumerate(names):
        Embeddings.meaning[f"word{k}"] = [(t == name.split("-")[1]) + rng.gauss(0, .2) for t in TEAMS]
    return [f"{name},word{k}" for k, name in enumerate(names)]


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
    for kind, schema, header, rows in (("Interactions", INTERACTIONS, "USER_ID,ITEM_ID,TIMESTAMP,DEVICE,NOISE", events), ("Users", USERS, "USER_ID,TEAM", users), ("Items", ITEMS, "ITEM_ID,ABOUT", items())):
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
        check(not any("Popular item" in i.get("reason", []) for i in got), f"it is no popular item that a new user of a team gets: {got[0]}")
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


def embedded(p, runtime, g, server):
    """New items suit the team of those who get them; each text is asked for once; where
    the model of language is down the training goes on without it, and says so."""
    check(sorted(Embeddings.asked) == sorted(Embeddings.meaning), f"{len(Embeddings.asked)} texts were asked for by two trainings, of {len(Embeddings.meaning)}")
    c = p.list_campaigns()["campaigns"][0]["campaignArn"]
    right = other = 0
    for u in range(60):
        got = [i["itemId"].split("-") for i in runtime.get_recommendations(campaignArn=c, userId=f"u{u}", numResults=48)["itemList"]]
        first = [x[1] for x in got if x[0] == "i"][:8]
        team = max(set(first), key=first.count)
        new = [x[1] for x in got if x[0] == "n"][:NEW]
        right, other = right + new.count(team), other + len(new) - new.count(team)
    check(right > 2 * other and right > 100, f"{right} new items of the user's team, {other} of others")
    Embeddings.down = True
    server.kill()  # the vectors are forgotten
    server.start()
    _, v, r = trained(p, "shop-down", g, "aws-user-personalization-v2")
    check(r["status"] == "ACTIVE", f"without embeddings: {r.get('failureReason')}")
    check(b"learns from words alone" in open(server.log.name, "rb").read(), "the log says that the training learns from words alone")


def excluded(p, runtime, g):
    """Columns that are excluded from training say nothing."""
    _, v, _ = trained(p, "shop-bare", g, "aws-user-personalization-v2", trainingDataConfig={"excludedDatasetColumns": {"INTERACTIONS": ["DEVICE"], "USERS": ["TEAM"]}})
    c, _ = deployed(p, "shop-bare", v)
    lists = {tuple(i["itemId"] for i in runtime.get_recommendations(campaignArn=c, userId="u1", context={"DEVICE": d})["itemList"]) for d in DEVICES}
    check(len(lists) == 1, "the device says nothing where it is excluded")


service = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Embeddings)
threading.Thread(target=service.serve_forever, daemon=True).start()
with Server("-fast", "-embed-url", f"http://127.0.0.1:{service.server_port}/v1") as server:
    p, runtime = client("personalize"), client("personalize-runtime")
    g, made = load(p)
    answers(p, runtime, g, made)
    rankings(p, runtime, g)
    excluded(p, runtime, g)
    embedded(p, runtime, g, server)
done()
