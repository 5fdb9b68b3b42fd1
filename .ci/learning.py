"""What a solution is told to learn from, with unmodified boto3 on a small made-up
cinema: weights of event types, columns left out, a search for hyperparameters that
is killed in between, and films that come after the training."""
import json
import random

from usher import *

GENRES = ["war", "love", "noir", "fun"]
FILMS = 15  # of each genre
NEW = 24  # films that nobody has seen


def cinema():
    """Users keep to a genre. Somewhere among their films is a trailer, of the genre's
    first film, or a ticket for its second one: trailers come more often."""
    rng = random.Random(7)
    rows = []
    for u in range(240):
        genre = u % 4
        films = rng.sample(range(2, FILMS), 9)
        at = 1_700_000_000 + 977 * u
        visits = [(f, "seen") for f in films]
        if u % 6:
            visits.insert(rng.randrange(10), (0, "trailer") if rng.random() < .6 else (1, "ticket"))
        rows += [(f"u{u}", f"f{genre}-{f}", at + 60 * k, kind) for k, (f, kind) in enumerate(visits)]
    return rows


def load(p):
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="cinema")
    body = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE\n" + "".join(f"{u},{i},{t},{k},1\n" for u, i, t, k in cinema())
    s3.put_object(Bucket="cinema", Key="interactions.csv", Body=body.encode())
    films = [(f"f{g}-{f}", GENRES[g]) for g in range(4) for f in range(FILMS)] + [(f"n{n}", GENRES[n % 4]) for n in range(NEW)]
    s3.put_object(Bucket="cinema", Key="items.csv", Body=("ITEM_ID,TITLE,GENRES,YEAR\n" + "".join(f"{i},,{g},2020\n" for i, g in films)).encode())
    g, interactions = group(p, "cinema")
    s = p.create_schema(name="cinema-items", schema=ITEMS)["schemaArn"]
    items = p.create_dataset(name="cinema-items", datasetType="Items", datasetGroupArn=g, schemaArn=s)["datasetArn"]
    for name, dataset in (("interactions", interactions), ("items", items)):
        check(imported(p, name, dataset, f"s3://cinema/{name}.csv")["status"] == "ACTIVE", f"import of {name}")
    return g, items


def recommend(runtime, campaign, user, n=10, **kw):
    return runtime.get_recommendations(campaignArn=campaign, userId=user, numResults=n, **kw)["itemList"]


def progress(server, p, g):
    """Who waits for a training sees how far it is, and what it has chosen at the end."""
    s = p.create_solution(name="watched", datasetGroupArn=g, performAutoTraining=False, recipeArn="arn:aws:personalize:::recipe/aws-user-personalization-v2")["solutionArn"]
    v = p.create_solution_version(solutionArn=s)["solutionVersionArn"]
    seen = []
    while True:
        t = json.load(urllib.request.urlopen(f"{server.url}/usher/v1/solutions/watched/versions/{v.split('/')[-1]}/training"))
        if t["status"] not in ("CREATE PENDING", "CREATE IN_PROGRESS"):
            break
        seen.append(t["progress"])
        time.sleep(.05)
    check(t["status"] == "ACTIVE" and "progress" not in t and any("was best" in c for c in t["chosen"]), f"at the end: {t}")
    done = [x["done"] for x in seen]
    check(done and done == sorted(done) and done[-1] <= 1, f"done: {done}")
    check(all(x["note"] and x["secondsLeft"] >= -1 for x in seen), f"notes: {seen}")  # how many are seen depends on the machine


def weights(p, runtime, g):
    """A ticket counts ten times a trailer: the film that tickets are for goes before
    the one of the trailers."""
    order = {}
    for name, config in (("plain", {}), ("weighted", {"eventsConfig": {"eventParametersList": [
            {"eventType": "seen", "weight": .1}, {"eventType": "trailer", "weight": .1}, {"eventType": "ticket", "weight": 1.0, "eventValueThreshold": .5}]}})):
        _, v, r = trained(p, name, g, "aws-user-personalization-v2", **config)
        check(r["status"] == "ACTIVE", f"{name}: {r.get('failureReason')}")
        m = p.get_solution_metrics(solutionVersionArn=v)["metrics"]
        check(("normalized_discounted_cumulative_gain_with_event_weights_at_25" in m) == (name == "weighted"), f"{name}: metrics {sorted(m)}")
        c, _ = deployed(p, name, v)
        ahead = 0
        for u in range(0, 240, 6):  # they have had neither
            ids = [i["itemId"] for i in recommend(runtime, c, f"u{u}", 100)]
            ahead += ids.index(f"f{u % 4}-1") < ids.index(f"f{u % 4}-0")
        order[name] = ahead
    check(order["weighted"] > order["plain"] + 5, f"tickets before trailers for {order} of 40 users")


def newcomers(p, runtime, g, items):
    """Films that nobody has seen are recommended by their genre, and one that comes
    with PutItems in the next request; without the column they are not."""
    _, v, _ = trained(p, "all-columns", g, "aws-user-personalization-v2")
    c, _ = deployed(p, "all-columns", v)
    right = other = 0
    for u in range(40):
        for i in recommend(runtime, c, f"u{u}", 20):
            if i["itemId"].startswith("n"):
                right, other = right + (int(i["itemId"][1:]) % 4 == u % 4), other + (int(i["itemId"][1:]) % 4 != u % 4)
                check(i.get("reason") == ["Exploration"], f"reason {i}")
    check(right > 20 and right > 3 * other, f"new films of the user's genre {right}, of others {other}")
    events = client("personalize-events")
    events.put_items(datasetArn=items, items=[{"itemId": "premiere", "properties": '{"genres": "noir"}'}])
    place = {u: [i["itemId"] for i in recommend(runtime, c, u, 100)].index("premiere") for u in ("u2", "u1")}
    check(place["u2"] < place["u1"], f"a new noir for a friend of noir at {place['u2']}, for another at {place['u1']}")
    _, v, _ = trained(p, "no-columns", g, "aws-user-personalization-v2", trainingDataConfig={"excludedDatasetColumns": {"ITEMS": ["GENRES", "YEAR", "TITLE"]}})
    c, _ = deployed(p, "no-columns", v)
    check(not any(i["itemId"].startswith("n") for i in recommend(runtime, c, "u1", 100)), "without columns nothing is known of new films")


def search(p, server, g):
    """Hyperparameters within their ranges; a kill in between changes nothing."""
    ranges = {"algorithmHyperParameterRanges": {
        "integerHyperParameterRanges": [{"name": "min_cointeraction_count", "minValue": 1, "maxValue": 4}],
        "continuousHyperParameterRanges": [{"name": "popularity_discount_factor", "minValue": .1, "maxValue": .6}],
        "categoricalHyperParameterRanges": []}, "hpoResourceConfig": {"maxNumberOfTrainingJobs": "12", "maxParallelTrainingJobs": "2"}}
    tuned = []
    for name in ("calm", "killed"):
        s = p.create_solution(name=name, datasetGroupArn=g, recipeArn="arn:aws:personalize:::recipe/aws-sims", performHPO=True,
                              performAutoTraining=False, solutionConfig={"hpoConfig": ranges})["solutionArn"]
        v = p.create_solution_version(solutionArn=s)["solutionVersionArn"]
        if name == "killed":
            server.kill()
            server.start()
        r = wait(lambda: p.describe_solution_version(solutionVersionArn=v), "solutionVersion")
        check(r["status"] == "ACTIVE" and r["performHPO"], f"{name}: {r}")
        tuned.append(r["tunedHPOParams"]["algorithmHyperParameters"])
    check(tuned[0] == tuned[1], f"tuned {tuned}")
    check(1 <= int(tuned[0]["min_cointeraction_count"]) <= 4 and .1 <= float(tuned[0]["popularity_discount_factor"]) <= .6, f"in range: {tuned}")
    try:
        p.create_solution(name="none", datasetGroupArn=g, recipeArn="arn:aws:personalize:::recipe/aws-user-personalization-v2", performHPO=True)
        check(False, "performHPO of a recipe that has nothing to tune")
    except p.exceptions.InvalidInputException as e:
        check("performHPO" in str(e), str(e))


with Server("-fast") as server:
    p, runtime = client("personalize"), client("personalize-runtime")
    g, items = load(p)
    progress(server, p, g)
    weights(p, runtime, g)
    newcomers(p, runtime, g, items)
    search(p, server, g)
done()
