"""Answers on ml-100k with unmodified boto3: filters by genre, year and what a user
has seen, against an oracle of a few lines; promotions, metadata, rankings."""
import json
import random

from usher import *

NOW = 1_790_000_000


def ids(answer):
    return [i["itemId"] for i in answer["itemList"]]


def refused(client, call, error, *texts):
    try:
        call()
    except client.exceptions.ClientError as e:
        check(e.response["Error"]["Code"] == error, f"{error}, got {e}")
        check(all(t in str(e) for t in texts), f"{texts} in {e}")
        return
    check(False, f"{error} {texts}")


def movies():
    """Genres and year by id; the year is missing of some."""
    with shared("ml-100k/u.genre.gz") as f:
        names = [line.split("|")[0] for line in f if line.strip()]
    out = {}
    with shared("ml-100k/u.item.gz") as f:
        for line in f:
            m = line.rstrip("\n").split("|")
            genres = [n for n, on in zip(names, m[5:]) if on == "1"]
            year = int(m[2][-4:]) if m[2] and int(m[0]) % 10 else None
            out[m[0]] = {"title": m[1], "genres": genres if int(m[0]) % 7 else [], "year": year}
    return out


def load(p, items, rows):
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="films")
    kind = lambda r: "Like" if r[2] >= 4 else "rate"
    body = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE\n" + "".join(f"{r[0]},{r[1]},{r[3]},{kind(r)},{r[2]}\n" for r in rows)
    s3.put_object(Bucket="films", Key="interactions.csv", Body=body.encode())
    out = io.StringIO()
    out.write("ITEM_ID,TITLE,GENRES,YEAR\n")
    for i, m in items.items():
        title = m["title"].replace('"', '""')
        out.write(f'{i},"{title}",{"|".join(m["genres"])},{m["year"] or ""}\n')
    s3.put_object(Bucket="films", Key="items.csv", Body=out.getvalue().encode())
    with shared("ml-100k/u.user.gz") as f:
        users = [line.split("|") for line in f]
    s3.put_object(Bucket="films", Key="users.csv", Body="".join(["USER_ID,AGE,GENDER\n"] + [f"{u[0]},{u[1]},{u[2]}\n" for u in users]).encode())
    g, interactions = group(p, "films")
    check(imported(p, "interactions", interactions, "s3://films/interactions.csv")["status"] == "ACTIVE", "import of interactions")
    arns = {}
    for kind, schema in (("Items", ITEMS), ("Users", USERS)):
        s = p.create_schema(name="films-" + kind, schema=schema)["schemaArn"]
        arns[kind] = p.create_dataset(name="films-" + kind, datasetType=kind, datasetGroupArn=g, schemaArn=s)["datasetArn"]
        check(imported(p, kind, arns[kind], f"s3://films/{kind.lower()}.csv")["status"] == "ACTIVE", f"import of {kind}")
    past = {}
    for r in rows:
        past.setdefault(str(r[0]), {}).setdefault(str(r[1]), set()).add("like" if r[2] >= 4 else "rate")
    return g, arns, past, {u[0]: (int(u[1]), u[2]) for u in users}


class Language:
    """Random expressions, each with a function that says what it means."""

    def __init__(self, seed, items, past, users):
        self.rng, self.items, self.past, self.users = random.Random(seed), items, past, users
        self.genres = sorted({g for m in items.values() for g in m["genres"]}) + ["No Such"]
        self.values = {}

    def text(self, value, numeric=False):
        """A value as it is written, or a parameter that stands for it."""
        written = str(value) if numeric else json.dumps(value)
        if self.rng.random() < .6:
            return written
        name = f"P{len(self.values)}"
        self.values[name] = written
        return "$" + name

    def of_items(self):
        r = self.rng
        if r.random() < .5:
            some = r.sample(self.genres, r.randint(1, 3))
            if r.random() < .3:
                return f"Items.genres NOT IN ({', '.join(json.dumps(g) for g in some)})", lambda u, i: not set(some) & set(self.items[i]["genres"])
            return f"Items.GENRES in ({', '.join(self.text(g) for g in some)})", lambda u, i: bool(set(some) & set(self.items[i]["genres"]))
        year = r.choice([1920, 1950, 1980, 1990, 1993, 1995, 1996, 1997, 2000])
        op, fn = r.choice([("<", lambda a: a < year), ("<=", lambda a: a <= year), (">", lambda a: a > year), (">=", lambda a: a >= year), ("=", lambda a: a == year)])
        if r.random() < .15:
            return f"Items.YEAR != {self.text(year, True)}", lambda u, i: self.items[i]["year"] != year
        return f"Items.YEAR {op} {self.text(year, True)}", lambda u, i: self.items[i]["year"] is not None and fn(self.items[i]["year"])

    def of_events(self):
        kinds = self.rng.choice([["like"], ["rate"], ["like", "rate"], ["buy"], ["*"]])
        written = ", ".join(json.dumps(k.upper() if self.rng.random() < .5 else k) for k in kinds)
        return f"Interactions.EVENT_TYPE IN ({written})", lambda u, i: any(kinds == ["*"] or k in kinds for k in self.past.get(u, {}).get(i, ()))

    def condition_of_user(self):
        if self.rng.random() < .5:
            age = self.rng.randint(20, 60)
            return f"CurrentUser.AGE >= {age}", lambda u: u in self.users and self.users[u][0] >= age
        return 'CurrentUser.GENDER IN ("F")', lambda u: u in self.users and self.users[u][1] == "F"

    def filter(self):
        r, texts, parts = self.rng, [], []
        for _ in range(r.randint(1, 3)):
            include = r.random() < .5
            leaf = self.of_items if r.random() < .7 else self.of_events
            groups = [[leaf() for _ in range(r.randint(1, 3))] for _ in range(r.randint(1, 2))]
            text = f"{'INCLUDE' if include else 'EXCLUDE'} ItemID WHERE " + " OR ".join(" AND ".join(t for t, _ in g) for g in groups)
            when = None
            if r.random() < .25:
                t, when = self.condition_of_user()
                text += " IF " + t
            texts.append(text)
            parts.append((include, [[f for _, f in g] for g in groups], when))

        def stays(u, i):
            on = [(inc, any(all(f(u, i) for f in g) for g in groups)) for inc, groups, when in parts if when is None or when(u)]
            included = [hit for inc, hit in on if inc]
            return (not included or any(included)) and not any(hit for inc, hit in on if not inc)

        return " | ".join(texts), stays


def oracle(p, rt, g, campaigns, items, past, users):
    """Every answer under a random filter holds only what the oracle lets through,
    and of the first 500 without a filter all that it does, in the same order."""
    asked = kept = 0
    whole = {}
    for seed in range(400):
        lang = Language(seed, items, past, users)
        text, stays = lang.filter()
        f = p.create_filter(name=f"f{seed}", datasetGroupArn=g, filterExpression=text)["filterArn"]
        for c in campaigns:
            u = str(1 + seed % 50)
            if (c, u) not in whole:
                whole[c, u] = ids(rt.get_recommendations(campaignArn=c, userId=u, numResults=500))
            got = ids(rt.get_recommendations(campaignArn=c, userId=u, numResults=500, filterArn=f, filterValues=lang.values))
            want = [i for i in whole[c, u] if stays(u, i)]
            ok = got[:len(want)] == want and all(stays(u, i) for i in got) and len(got) == len(set(got))
            check(ok, f"{text} {lang.values} for user {u}: {got[:10]}, want {want[:10]}")
            asked, kept = asked + 1, kept + len(got)
        p.delete_filter(filterArn=f)
    print(f"{asked} answers under random filters, {kept / asked:.0f} items each", flush=True)


def filters(p, pe, rt, g, arns, c, pop, items, past):
    def make(name, text):
        arn = p.create_filter(name=name, datasetGroupArn=g, filterExpression=text, tags=[{"tagKey": "a", "tagValue": "b"}])["filterArn"]
        r = wait(lambda: p.describe_filter(filterArn=arn), "filter")
        check(r["status"] == "ACTIVE" and r["filterExpression"] == text and r["datasetGroupArn"] == g, f"filter {r}")
        return arn
    genre = make("genre", "INCLUDE ItemID WHERE Items.GENRES IN ($GENRE)")
    unseen = make("unseen", 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")')
    listed = [f["name"] for f in p.get_paginator("list_filters").paginate(datasetGroupArn=g, PaginationConfig={"PageSize": 1}).build_full_result()["Filters"]]
    check(listed == ["unseen", "genre"], f"filters {listed}")
    a = ids(rt.get_recommendations(campaignArn=c, userId="1", filterArn=genre, filterValues={"GENRE": '"Horror","War"'}))
    check(len(a) == 25 and all({"Horror", "War"} & set(items[i]["genres"]) for i in a), f"horror and war: {a}")
    a = ids(rt.get_recommendations(campaignArn=c, userId="1", filterArn=unseen, numResults=500))
    check(not set(a) & set(past["1"]) and len(a) == 500, "nothing that the user has rated")
    t = p.create_event_tracker(name="films", datasetGroupArn=g)["trackingId"]
    pe.put_events(trackingId=t, sessionId="s", userId="1", eventList=[{"eventType": "like", "itemId": a[0], "sentAt": NOW}])
    b = ids(rt.get_recommendations(campaignArn=c, userId="1", filterArn=unseen, numResults=500))
    check(a[0] not in b and len(b) == 500, "what was liked just now is not answered")
    pe.put_items(datasetArn=arns["Items"], items=[{"itemId": "new-1", "properties": json.dumps({"title": "New", "genres": "Brand New|War", "year": 2026})}])
    a = rt.get_recommendations(campaignArn=c, userId="1", filterArn=genre, filterValues={"GENRE": '"Brand New"'})["itemList"]
    check([i["itemId"] for i in a] == ["new-1"] and "score" in a[0] and a[0]["reason"] == ["Exploration"], f"a new item, known by its metadata: {a}")
    pe.put_items(datasetArn=arns["Items"], items=[{"itemId": "50", "properties": json.dumps({"title": "Star Wars", "genres": "Only", "year": 1977})}])
    a = ids(rt.get_recommendations(campaignArn=pop, userId="1", filterArn=genre, filterValues={"GENRE": '"Only"'}))
    check(a == ["50"], f"an item that was changed: {a}")
    for call, error, texts in (
            (lambda: p.create_filter(name="x", datasetGroupArn=g, filterExpression="INCLUDE ItemID WHERE Items.GENRES NOT IN ($g)"), "InvalidInputException", ["Invalid input symbol: $g. Placeholders are not allowed with NOT_IN operator."]),
            (lambda: p.create_filter(name="x", datasetGroupArn=g, filterExpression="INCLUDE ItemID WHERE Items.COLOUR = 3"), "InvalidInputException", ["Invalid Expression", "COLOUR", "character 28"]),
            (lambda: p.create_filter(name="genre", datasetGroupArn=g, filterExpression="INCLUDE ItemID WHERE Items.YEAR = 3"), "ResourceAlreadyExistsException", ["filter/genre"]),
            (lambda: p.describe_filter(filterArn=genre + "x"), "ResourceNotFoundException", ["filter/genrex"])):
        refused(p, call, error, *texts)
    for values, text in (({}, "$GENRE"), ({"GENRE": "Horror"}, "double quotes"), ({"GENRE": '"a"', "B": '"b"'}, "no parameter B")):
        refused(rt, lambda: rt.get_recommendations(campaignArn=c, userId="1", filterArn=genre, filterValues=values), "InvalidInputException", text)
    refused(rt, lambda: rt.get_recommendations(campaignArn=c, userId="1", filterArn=genre + "x"), "ResourceNotFoundException", "filter/genrex")
    other = p.create_dataset_group(name="other")["datasetGroupArn"]
    refused(p, lambda: p.create_filter(name="far", datasetGroupArn=other, filterExpression="INCLUDE ItemID WHERE Items.YEAR = 3"), "InvalidInputException", "no dataset of type ITEMS")
    return genre


def promotions(rt, c, genre, items):
    places = set()
    for k in range(20):
        a = rt.get_recommendations(campaignArn=c, userId="2", numResults=20, promotions=[
            {"name": "westerns", "percentPromotedItems": 30, "filterArn": genre, "filterValues": {"GENRE": '"Western"'}}])["itemList"]
        up = [i for i in a if i.get("promotionName") == "westerns"]
        check(len(a) == 20 and len(up) == 6 and all("Western" in items[i["itemId"]]["genres"] and i["reason"] == ["Promoted item"] for i in up), f"promoted {up}")
        for part in (up, [i for i in a if "promotionName" not in i]):
            scores = [i["score"] for i in part]
            check(scores == sorted(scores, reverse=True), f"sorted among themselves: {scores}")
        check(len({i["itemId"] for i in a}) == 20, "no item twice")
        places.add(tuple("promotionName" in i for i in a))
    check(len(places) > 10, f"places of promoted items differ: {len(places)} of 20")
    refused(rt, lambda: rt.get_recommendations(campaignArn=c, userId="2", promotions=[{"name": "x", "percentPromotedItems": 101, "filterArn": genre}]), "InvalidInputException", "percentPromotedItems")
    refused(rt, lambda: rt.get_recommendations(campaignArn=c, userId="2", promotions=[{"name": "x", "percentPromotedItems": 50}]), "InvalidInputException", "filterArn")


def metadata(p, rt, c, pop, items):
    a = rt.get_recommendations(campaignArn=c, userId="3", numResults=50, metadataColumns={"ITEMS": ["TITLE", "GENRES", "YEAR"]})["itemList"]
    for i in a:
        m = items[i["itemId"]]
        if i["itemId"] == "50":  # was changed above
            continue
        want = {"TITLE": m["title"], **({"GENRES": "|".join(m["genres"])} if m["genres"] else {}), **({"YEAR": str(m["year"])} if m["year"] else {})}
        check(i["metadata"] == want, f"metadata {i}, want {want}")
    refused(rt, lambda: rt.get_recommendations(campaignArn=c, userId="3", numResults=51, metadataColumns={"ITEMS": ["TITLE"]}), "InvalidInputException", "50")
    refused(rt, lambda: rt.get_recommendations(campaignArn=c, userId="3", metadataColumns={"ITEMS": ["COLOUR"]}), "InvalidInputException", "COLOUR")
    refused(rt, lambda: rt.get_recommendations(campaignArn=pop, userId="3", metadataColumns={"ITEMS": ["TITLE"]}), "InvalidInputException", "enableMetadataWithRecommendations")
    p.update_campaign(campaignArn=pop, campaignConfig={"enableMetadataWithRecommendations": True})
    wait(lambda: {"u": p.describe_campaign(campaignArn=pop)["campaign"]["latestCampaignUpdate"]}, "u")
    a = rt.get_recommendations(campaignArn=pop, userId="3", numResults=3, metadataColumns={"ITEMS": ["TITLE"]})["itemList"]
    check(all(i["metadata"]["TITLE"] == items[i["itemId"]]["title"] or i["itemId"] == "50" for i in a), f"popular items with their titles: {a}")


def ranking(p, rt, g, genre, items, rows):
    _, v, r = trained(p, "ranking", g, "aws-personalized-ranking-v2")
    check(r["status"] == "ACTIVE", f"ranking: {r}")
    print("aws-personalized-ranking-v2:", p.get_solution_metrics(solutionVersionArn=v)["metrics"], flush=True)
    c, _ = deployed(p, "ranking", v)
    rng = random.Random(5)
    names = sorted(items, key=int)
    wins = 0
    for u in range(1, 41):
        some = rng.sample(names, 200)
        a = rt.get_personalized_ranking(campaignArn=c, userId=str(u), inputList=some + some[:3] + ["never-1", "never-2"])
        got = a["personalizedRanking"]
        scored = [i["score"] for i in got if "score" in i]
        check([i["itemId"] for i in got][-2:] == ["never-1", "never-2"] and sorted(i["itemId"] for i in got) == sorted(some + ["never-1", "never-2"]), "a permutation, unknown items last")
        check(scored == sorted(scored, reverse=True) and abs(sum(scored) - 1) < 1e-3, f"scores of a list sum to 1: {sum(scored)}")
        wins += got != rt.get_personalized_ranking(campaignArn=c, userId=str(u + 1), inputList=some)["personalizedRanking"]
    check(wins == 40, f"users have rankings of their own: {wins} of 40")
    some = rng.sample(names, 200)
    got = [i["itemId"] for i in rt.get_personalized_ranking(campaignArn=c, userId="7", inputList=some, filterArn=genre, filterValues={"GENRE": '"Comedy"'})["personalizedRanking"]]
    check(sorted(got) == sorted(i for i in some if "Comedy" in items[i]["genres"]), "a filter leaves comedies")
    a = rt.get_personalized_ranking(campaignArn=c, userId="7", inputList=some[:50], metadataColumns={"ITEMS": ["TITLE"]})["personalizedRanking"]
    check(all(i["metadata"]["TITLE"] == items[i["itemId"]]["title"] or i["itemId"] == "50" for i in a), "a ranking with titles")
    for kw, text in (({"inputList": names[:501]}, "500"), ({"inputList": names[:51], "metadataColumns": {"ITEMS": ["TITLE"]}}, "50"), ({"inputList": []}, "inputList")):
        refused(rt, lambda: rt.get_personalized_ranking(campaignArn=c, userId="7", **kw), "InvalidInputException", text)
    refused(rt, lambda: rt.get_recommendations(campaignArn=c, userId="7"), "InvalidInputException", "GetPersonalizedRanking")


def related(p, rt, g, items):
    """CurrentItem, which only related items have."""
    near = p.create_filter(name="near", datasetGroupArn=g, filterExpression="INCLUDE ItemID WHERE Items.GENRES IN CurrentItem.GENRES AND Items.YEAR >= CurrentItem.YEAR")["filterArn"]
    _, v, _ = trained(p, "sims", g, "aws-sims", featureTransformationParameters={"max_item_interaction_count_percentile": "1.0"})
    c, _ = deployed(p, "sims", v)
    for item in ("1", "22", "64", "100"):
        m = items[item]
        got = ids(rt.get_recommendations(campaignArn=c, itemId=item, filterArn=near))
        ok = all(set(items[i]["genres"]) & set(m["genres"]) and items[i]["year"] and m["year"] and items[i]["year"] >= m["year"] for i in got if i != "50")
        check(ok and (got or not m["genres"] or not m["year"]), f"near {m}: {got}")
    return near


def main():
    with Server("-quotas", "none") as server:
        p, pe, rt = client("personalize"), client("personalize-events"), client("personalize-runtime")
        items, rows = movies(), ratings()
        g, arns, past, users = load(p, items, rows)
        _, v, _ = trained(p, "popular", g, "aws-popularity-count")
        pop, _ = deployed(p, "popular", v)
        _, v, r = trained(p, "personal", g, "aws-user-personalization-v2")
        check(r["status"] == "ACTIVE", f"v2: {r}")
        c, _ = deployed(p, "personal", v)
        oracle(p, rt, g, (pop, c), items, past, users)
        genre = filters(p, pe, rt, g, arns, c, pop, items, past)
        promotions(rt, c, genre, items)
        metadata(p, rt, c, pop, items)
        near = related(p, rt, g, items)
        refused(rt, lambda: rt.get_recommendations(campaignArn=c, userId="1", filterArn=near), "InvalidInputException", "CurrentItem")
        ranking(p, rt, g, genre, items, rows)
        refused(p, lambda: p.delete_dataset_group(datasetGroupArn=g), "ResourceInUseException", "delete that first")
        out = json.loads(aws("personalize", "list-filters", "--dataset-group-arn", g))
        check({f["name"] for f in out["Filters"]} == {"genre", "unseen", "near"}, f"CLI: {out}")
        check(server.stop() == 0, "SIGTERM ends the server cleanly")
        server.start()
        a = ids(rt.get_recommendations(campaignArn=c, userId="1", filterArn=genre, filterValues={"GENRE": '"Brand New"'}))
        check(a == ["new-1"], f"filters after a restart: {a}")
    done()


main()
