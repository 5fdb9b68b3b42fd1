"""Filters in both languages against oracles of a few lines, on ml-latest-small with
genres, years, tags and text: thousands of random expressions through boto3, in
created filters and in the header x-usher-filter. Then explanations, which have to
be what an answer without the named events shows, and an experiment."""
import csv as csvfile
import fnmatch
import json
import random
import re
import time

from usher import *

ITEMS = """{"type":"record","name":"Items","fields":[{"name":"ITEM_ID","type":"string"},{"name":"TITLE","type":["null","string"]},
{"name":"GENRES","type":["null","string"],"categorical":true},{"name":"TAGS","type":["null","string"],"categorical":true},{"name":"YEAR","type":["null","int"]},
{"name":"LONG_TITLE","type":"boolean"},{"name":"ABOUT","type":["null","string"],"textual":true}],"version":"1.0"}"""
INTERACTIONS = """{"type":"record","name":"Interactions","fields":[{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"},
{"name":"EVENT_TYPE","type":"string"},{"name":"EVENT_VALUE","type":["float","null"]},{"name":"DEVICE","type":["null","string"],"categorical":true},{"name":"MINUTES","type":["null","int"]}],"version":"1.0"}"""
NOW = int(time.time())
CASES = 3000


def table(name):
    with shared(f"ml-latest-small/{name}.csv.gz") as f:
        return list(csvfile.DictReader(f))


def films():
    tags = {}
    for r in table("tags"):
        tags.setdefault(r["movieId"], set()).add(re.sub(r'[|"\\\n]', " ", r["tag"]).strip().lower()[:40])
    out = {}
    for r in table("movies"):
        year = re.search(r"\((\d{4})\)\s*$", r["title"])
        title = r["title"].replace('"', "'")
        genres = [] if r["genres"] == "(no genres listed)" else r["genres"].split("|")
        out[r["movieId"]] = {"title": title, "genres": genres, "tags": sorted(t for t in tags.get(r["movieId"], ()) if t)[:20], "year": int(year[1]) if year else None,
                             "long": len(title) > 25, "about": f"{title}: a film of {', '.join(genres)}" if genres else None}
    return out


def apart(rows):
    """Each user's events at times of their own, so that their order is told by them."""
    out, last = [], {}
    for u, i, t, kind, value in sorted(rows, key=lambda r: (int(r[0]), r[2])):
        last[u] = t = max(t, last.get(u, 0) + 1)
        out.append((u, i, t, kind, value))
    return out


def quoted(s):
    return '"' + s.replace('"', '""') + '"' if s else ""


def device(item, at):
    return (None, "phone", "tv", "phone|tv")[(int(item) + at) % 4]


def minutes(item, at):
    return None if at % 3 == 0 else int(item) * at % 200


def load(p, items, rows):
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="films")
    told = lambda x: "" if x is None else x
    body = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE,DEVICE,MINUTES\n" + "".join(
        f"{u},{i},{t},{kind},{value},{told(device(i, t))},{told(minutes(i, t))}\n" for u, i, t, kind, value in rows)
    s3.put_object(Bucket="films", Key="interactions.csv", Body=body.encode())
    lines = ["ITEM_ID,TITLE,GENRES,TAGS,YEAR,LONG_TITLE,ABOUT\n"]
    for i, m in items.items():
        lines.append(f'{i},{quoted(m["title"])},{quoted("|".join(m["genres"]))},{quoted("|".join(m["tags"]))},{m["year"] or ""},{str(m["long"]).lower()},{quoted(m["about"])}\n')
    s3.put_object(Bucket="films", Key="items.csv", Body="".join(lines).encode())
    g, interactions = group(p, "films", INTERACTIONS)
    check(imported(p, "interactions", interactions, "s3://films/interactions.csv")["status"] == "ACTIVE", "import of interactions")
    s = p.create_schema(name="items", schema=ITEMS)["schemaArn"]
    d = p.create_dataset(name="items", datasetType="Items", datasetGroupArn=g, schemaArn=s)["datasetArn"]
    r = imported(p, "items", d, "s3://films/items.csv")
    check(r["status"] == "ACTIVE", f"import of items: {r}")
    return g


class Speaker:
    """Random expressions of usher's language, each with what it means. An event is
    (item, time, type, value), oldest first."""

    def __init__(self, rng, items, past):
        self.rng, self.items, self.past = rng, items, past
        self.genres = sorted({g for m in items.values() for g in m["genres"]})
        self.tags = sorted({t for m in items.values() for t in m["tags"]})

    def joined(self, leaf, depth):
        r = self.rng
        if depth == 0 or r.random() < .35:
            return leaf()
        if r.random() < .25:
            t, f = self.joined(leaf, depth - 1)
            return f"NOT ({t})", lambda *a: not f(*a)
        (a, f), (b, g) = self.joined(leaf, depth - 1), self.joined(leaf, depth - 1)
        if r.random() < .5:
            return f"({a}) AND ({b})", lambda *x: f(*x) and g(*x)
        return f"({a}) OR ({b})", lambda *x: f(*x) or g(*x)

    def leaf(self):
        r = self.rng
        no, negate = r.choice([("", False), ("", False), ("NOT ", True)])
        kind = r.randrange(8)
        if kind == 0:
            some = r.sample(self.genres, r.randint(1, 3))
            return f"Items.GENRES {no}IN ({', '.join(map(json.dumps, some))})", lambda u, i: bool(set(some) & set(self.items[i]["genres"])) != negate
        if kind == 1:
            some = r.sample(self.tags, 3) + ["funny"]
            return f"Items.TAGS {no}IN ({', '.join(map(json.dumps, some))})", lambda u, i: bool(set(some) & set(self.items[i]["tags"])) != negate
        if kind == 2:
            lo = r.randint(1915, 2018)
            hi = lo + r.randint(0, 25)
            return f"Items.YEAR {no}BETWEEN {lo} AND {hi}", lambda u, i: (self.items[i]["year"] is not None and lo <= self.items[i]["year"] <= hi) != negate
        if kind == 3:
            word = r.choice(["Star", "The ", "of", "Love", "Day", "(199", "2"])
            start = r.random() < .3
            pattern = ("" if start else "%") + word + "%"
            return f"Items.TITLE {no}LIKE {json.dumps(pattern)}", lambda u, i: fnmatch.fnmatchcase(self.items[i]["title"], pattern.replace("[", "[[]").replace("%", "*")) != negate
        if kind == 4:
            column, key = r.choice([("YEAR", "year"), ("GENRES", "genres"), ("TAGS", "tags"), ("ABOUT", "about")])
            return f"Items.{column} IS {no}NULL", lambda u, i: (not self.items[i][key]) != negate
        if kind == 5:
            truth = r.random() < .5
            return f"Items.LONG_TITLE = {str(truth).lower()}", lambda u, i: self.items[i]["long"] == truth
        if kind == 6:
            word = r.choice(self.genres)
            return f'Items.ABOUT {no}LIKE "%film of {word}%"', lambda u, i: bool(self.items[i]["about"] and f"film of {word}" in self.items[i]["about"]) != negate
        text, holds = self.joined(self.event, 2)
        return f"EVENT ({text})", lambda u, i: any(holds(e) for e in self.past.get(u, {}).get(i, ()))

    def event(self):
        r = self.rng
        kind = r.randrange(7)
        if kind == 0:
            name = r.choice(["like", "RATE"])
            return f"Interactions.EVENT_TYPE = {json.dumps(name)}", lambda e: e[2] == name.lower()
        if kind == 1:
            v = r.choice([1, 2.5, 3, 4, 4.5])
            op = r.choice(["<", ">=", "="])
            return f"Interactions.EVENT_VALUE {op} {v}", lambda e: {"<": e[3] < v, ">=": e[3] >= v, "=": e[3] == v}[op]
        if kind == 2:
            at = r.choice([900_000_000, 1_000_000_000, 1_200_000_000, 1_500_000_000])
            return f"Interactions.TIMESTAMP >= {at}", lambda e: e[1] >= at
        if kind == 3:
            some, no = r.choice(["phone", "tv", "radio"]), r.choice(["", "NOT "])
            return f"Interactions.DEVICE {no}IN ({json.dumps(some)})", lambda e: (some in (device(e[0], e[1]) or "").split("|")) != bool(no)
        if kind == 4:
            lo = r.randint(0, 150)
            return f"Interactions.MINUTES BETWEEN {lo} AND {lo + 40}", lambda e: minutes(e[0], e[1]) is not None and lo <= minutes(e[0], e[1]) <= lo + 40
        if kind == 5:
            return "Interactions.MINUTES IS NULL", lambda e: minutes(e[0], e[1]) is None
        days = r.choice([1, 400, 5000, 9000])
        return f"WITHIN {days} DAYS", lambda e: e[1] >= NOW - days * 86400


def with_header(rt, expression):
    """Lets the next calls carry an expression."""
    for call in ("GetRecommendations",):
        def add(request, **_):
            request.headers.add_header("x-usher-filter", expression)
        rt.meta.events.register_first(f"before-sign.personalize-runtime.{call}", add, unique_id="expression")
    return lambda: rt.meta.events.unregister("before-sign.personalize-runtime.GetRecommendations", unique_id="expression")


def ids(answer):
    return [i["itemId"] for i in answer["itemList"]]


def expect(got, whole, known, stays, what):
    """An answer of popular items is those of the whole order that stay; where it is
    not full, all that stay."""
    want = [i for i in whole if stays(i)]
    ok = got[:len(want)] == want and all(stays(i) for i in got) and len(set(got)) == len(got)
    if ok and len(got) < 500:
        ok = len(got) == sum(stays(i) for i in known)
    return check(ok, f"{what}: {len(got)} items {got[:8]}, want {want[:8]}")


def own_language(server, p, rt, g, campaign, items, past, known):
    whole = ids(rt.get_recommendations(campaignArn=campaign, userId="1", numResults=500))
    kept = 0
    for seed in range(CASES):
        if seed == CASES // 2:  # columns of events come back
            server.kill()
            server.start()
        speaker = Speaker(random.Random(seed), items, past)
        text, holds = speaker.joined(speaker.leaf, 3)
        include = seed % 2 == 0
        expression = f"{'INCLUDE' if include else 'EXCLUDE'} ItemID WHERE {text}"
        user = str(1 + seed % 60)
        if seed % 10:
            stop = with_header(rt, expression)
            got = ids(rt.get_recommendations(campaignArn=campaign, userId=user, numResults=500))
            stop()
        else:
            f = p.create_filter(name=f"f{seed}", datasetGroupArn=g, filterExpression="USHER " + expression)["filterArn"]
            got = ids(rt.get_recommendations(campaignArn=campaign, userId=user, numResults=500, filterArn=f))
            p.delete_filter(filterArn=f)
        expect(got, whole, known, lambda i: holds(user, i) == include, f"{expression} for user {user}")
        kept += len(got)
    print(f"{CASES} answers under random filters of usher's language, {kept / CASES:.0f} items each", flush=True)
    for expression, text in (("INCLUDE ItemID WHERE", "The filter of the request"), ("INCLUDE ItemID WHERE Items.TITLE LIKE Items.TITLE", "text in double quotes"),
                             ("INCLUDE UserID WHERE EVENT (WITHIN 1 DAY)", "UserID")):
        stop = with_header(rt, expression)
        try:
            rt.get_recommendations(campaignArn=campaign, userId="1")
            check(False, f"{expression} was taken")
        except rt.exceptions.InvalidInputException as e:
            check(text in str(e), f"{text} in {e}")
        stop()


def call(server, method, path, body=None):
    r = urllib.request.Request(server.url + "/usher/v1/" + path, method=method, data=None if body is None else json.dumps(body).encode())
    with urllib.request.urlopen(r) as answer:
        text = answer.read()
        return json.loads(text) if text else None


def explanations(server, p, pe, rt, campaign, tracking, rows):
    """Users whose history is that of another less the events that an explanation
    names see the score that it tells."""
    past = {}
    for u, i, t, kind, value in rows:
        past.setdefault(u, []).append((i, t, kind, value))
    named = 0
    for n, user in enumerate(sorted(past, key=lambda u: len(past[u]))[5:25]):
        answer = rt.get_recommendations(campaignArn=campaign, userId=user, numResults=10)["itemList"]
        item = answer[n % len(answer)]
        e = call(server, "POST", "explanations", {"campaignArn": campaign, "userId": user, "numResults": 10, "items": [item["itemId"]]})["items"][0]
        check(e["basis"] == "personal" and e["place"] == n % len(answer) + 1 and abs(e["score"] - item["score"]) < 1e-3 * item["score"], f"explained {e}, answered {item}")
        if not e.get("events"):
            continue
        named += 1
        gone = [(c["itemId"], c["timestamp"]) for c in e["events"]]
        at = lambda t: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))
        left = [x for x in past[user] if (x[0], at(x[1])) not in gone]
        check(len(left) == len(past[user]) - len(gone), f"named events are the user's: {gone}")
        other = f"without-{user}"
        for k in range(0, len(left), 10):
            pe.put_events(trackingId=tracking, userId=other, sessionId=other, eventList=[
                {"eventType": kind, "itemId": i, "sentAt": t, "eventValue": value} for i, t, kind, value in left[k:k + 10]])
        after = {i["itemId"]: i["score"] for i in rt.get_recommendations(campaignArn=campaign, userId=other, numResults=500)["itemList"]}
        told, least = e["scoreWithoutEvents"], min(after.values())
        score = after.get(item["itemId"], least)  # behind the 500 best: no more than the last of them
        ok = score < item["score"] and (abs(score - told) <= 2e-3 * told or item["itemId"] not in after and told <= least)
        check(ok, f"without {gone} the score of {item} is {score}, told was {e['scoreWithoutEvents']}")
    check(named >= 15, f"events were named for {named} of 20 items")
    stop = "INCLUDE ItemID WHERE Items.GENRES IN (\"Horror\")"
    f = p.create_filter(name="horror", datasetGroupArn=p.describe_campaign(campaignArn=campaign)["campaign"]["campaignArn"].replace("campaign/small", "dataset-group/films"), filterExpression=stop)["filterArn"]
    e = call(server, "POST", "explanations", {"campaignArn": campaign, "userId": "1", "filterArn": f, "items": ["1", "nobody knows"]})["items"]
    check(e[0]["filter"] == {"passes": False, "expressions": [{"expression": stop, "counts": True, "matches": False}]} and "place" not in e[0], f"Toy Story is no horror: {e[0]}")
    check(e[1]["basis"] == "unknown", f"an unknown item: {e[1]}")
    print(f"{named} explanations held to answers without the named events", flush=True)


def experiment(server, p, pe, rt, version, first, tracking):
    second, _ = deployed(p, "second", version)
    call(server, "POST", "experiments", {"name": "two", "arms": [{"campaignArn": first, "share": .5}, {"campaignArn": second, "share": .5}]})
    rids = [rt.get_recommendations(campaignArn=first, userId=str(u))["recommendationId"] for u in range(1, 301)]
    check(len(set(rids)) == 300 and all(len(r) == 40 for r in rids), "answers have ids of their own")
    for k, rid in enumerate(rids[:90]):
        pe.put_events(trackingId=tracking, userId=str(k + 1), sessionId="s", eventList=[{"eventType": "click", "itemId": "1", "sentAt": NOW, "recommendationId": rid}])
    server.kill()  # events are in the log
    server.start()
    x = call(server, "GET", "experiments/two")
    clicks = [a["events"] for c in x["events"] if c["eventType"] == "click" for a in c["arms"]]
    check(len(x["arms"]) == 2 and sum(clicks) == 90 and min(clicks) > 20, f"clicks by arm: {x}")
    check([e["name"] for e in call(server, "GET", "experiments")["experiments"]] == ["two"], "list")
    for u in range(1, 101):
        rt.get_recommendations(campaignArn=first, userId=str(u))
    server.stop()  # counts of answers are stored at the end
    server.start()
    x = call(server, "GET", "experiments/two")
    check(sum(x["answers"]) == 100 and min(x["answers"]) > 25, f"answers by arm: {x['answers']}")
    p.delete_campaign(campaignArn=second)
    kept = [len(rt.get_recommendations(campaignArn=first, userId=str(u))["itemList"]) for u in range(1, 41)]
    check(set(kept) == {25}, f"users of an arm that was deleted are answered by the first: {kept}")
    call(server, "DELETE", "experiments/two")
    check(call(server, "GET", "experiments")["experiments"] == [], "ended")


def main():
    with Server("-quotas", "none") as server:
        p, pe, rt = client("personalize"), client("personalize-events"), client("personalize-runtime")
        items = films()
        rows = [(r["userId"], r["movieId"], int(r["timestamp"]), "like" if float(r["rating"]) >= 4 else "rate", float(r["rating"])) for r in table("ratings")]
        small = apart([r for r in rows if int(r[0]) <= 120])
        g = load(p, items, small)
        tracking = p.create_event_tracker(name="films", datasetGroupArn=g)["trackingId"]
        fresh = [(str(u), str(i), NOW - 3600 * k, "like", 5) for k, (u, i) in enumerate(((1, 10), (1, 50), (2, 110), (3, 150), (4, 260)))]
        for u, i, t, kind, value in fresh:
            pe.put_events(trackingId=tracking, userId=u, sessionId="s" + u, eventList=[{"eventType": kind, "itemId": i, "sentAt": t, "eventValue": value,
                "properties": json.dumps({k: v for k, v in (("DEVICE", device(i, t)), ("MINUTES", minutes(i, t))) if v is not None})}])
        past = {}
        for u, i, t, kind, value in small + fresh:
            past.setdefault(u, {}).setdefault(i, []).append((i, t, kind, value))
        _, v, _ = trained(p, "popular", g, "aws-popularity-count")
        popular, _ = deployed(p, "popular", v)
        own_language(server, p, rt, g, popular, items, past, {r[1] for r in small + fresh})
        _, v, r = trained(p, "small", g, "aws-user-personalization-v2")
        check(r["status"] == "ACTIVE", f"v2: {r}")
        campaign, _ = deployed(p, "small", v)
        explanations(server, p, pe, rt, campaign, tracking, [r for r in small if int(r[0]) > 5])
        experiment(server, p, pe, rt, v, campaign, tracking)
        check(server.stop() == 0, "SIGTERM ends the server cleanly")
    done()


main()
