"""The two domains with unmodified boto3: a streaming service and a shop with
generated data, a recommender of each of the ten use cases, live events, stop and
start, an update, and the clean-up in the order that dependencies ask for."""
import random
import time

from usher import *

NAMESPACE = "com.amazonaws.personalize.schema"
NOW = 1_790_000_000


def field(name, kind, **kw):
    return {"name": name, "type": kind, **kw}


def schema(name, *fields):
    import json
    return json.dumps({"type": "record", "name": name, "namespace": NAMESPACE, "fields": list(fields), "version": "1.0"})


INTERACTIONS_OF_A_DOMAIN = schema("Interactions", field("USER_ID", "string"), field("ITEM_ID", "string"), field("EVENT_TYPE", "string"), field("TIMESTAMP", "long"))
ITEMS_OF = {
    "VIDEO_ON_DEMAND": schema("Items", field("ITEM_ID", "string"), field("GENRES", "string", categorical=True), field("CREATION_TIMESTAMP", "long")),
    "ECOMMERCE": schema("Items", field("ITEM_ID", "string"), field("PRICE", "float"), field("CATEGORY_L1", "string", categorical=True)),
}
RECIPE = "arn:aws:personalize:::recipe/"
USE_CASES = {
    "VIDEO_ON_DEMAND": ["aws-vod-because-you-watched-x", "aws-vod-more-like-x", "aws-vod-most-popular", "aws-vod-top-picks", "aws-vod-trending-now"],
    "ECOMMERCE": ["aws-ecomm-customers-who-viewed-x-also-viewed", "aws-ecomm-frequently-bought-together", "aws-ecomm-popular-items-by-purchases",
                  "aws-ecomm-popular-items-by-views", "aws-ecomm-recommended-for-you"],
}
NEEDS_ITEM = {"aws-vod-because-you-watched-x", "aws-vod-more-like-x", "aws-ecomm-customers-who-viewed-x-also-viewed", "aws-ecomm-frequently-bought-together"}
PERSONAL = {"aws-vod-top-picks", "aws-ecomm-recommended-for-you"}
ITEMS_COUNT, CLASSES = 60, 3
NEW = 40  # films that nobody has had


def refused(client, call, error, *texts):
    try:
        call()
    except client.exceptions.ClientError as e:
        check(e.response["Error"]["Code"] == error, f"{error}, got {e}")
        check(all(t in str(e) for t in texts), f"{texts} in {e}")
        return
    check(False, f"{error} {texts}")


def ids(answer):
    return [i["itemId"] for i in answer["itemList"]]


def rows(light, strong):
    """Users with a taste: items of their own class (number modulo three), low
    numbers more often. Each third event is also of the strong type. In the last
    hour many click the unpopular item 59."""
    rng = random.Random(7)
    out = []
    for u in range(240):
        at = NOW - rng.randrange(86_400, 80 * 86_400)
        for _ in range(rng.randrange(6, 22)):
            item = min(rng.randrange(ITEMS_COUNT // CLASSES), rng.randrange(ITEMS_COUNT // CLASSES)) * CLASSES + u % CLASSES
            at += rng.randrange(20, 3000)
            out.append((f"u{u}", f"i{item}", light, at))
            if rng.random() < .45:
                out.append((f"u{u}", f"i{item}", strong, at + 5))
    out += [(f"u{u}", "i59", light, NOW - 60 * (u % 50)) for u in range(2, 150, 3)]
    return out


def text(rows):
    return "USER_ID,ITEM_ID,EVENT_TYPE,TIMESTAMP\n" + "".join(f"{u},{i},{e},{t}\n" for u, i, e, t in rows)


def domain_group(p, s3, domain, data):
    name = domain.lower().replace("_", "-")
    g = p.create_dataset_group(name=name, domain=domain)["datasetGroupArn"]
    check(p.describe_dataset_group(datasetGroupArn=g)["datasetGroup"]["domain"] == domain, "the group's domain")
    refused(p, lambda: p.create_schema(name=name + "-bad", domain=domain, schema=INTERACTIONS_OF_A_DOMAIN.replace('"EVENT_TYPE"', '"KIND"')), "InvalidInputException", "EVENT_TYPE")
    arns, schemas = {}, []
    for kind, avro, body in (("Interactions", INTERACTIONS_OF_A_DOMAIN, text(data)), ("Items", ITEMS_OF[domain], items(domain))):
        s = p.create_schema(name=f"{name}-{kind}", domain=domain, schema=avro)["schemaArn"]
        schemas.append(s)
        d = p.create_dataset(name=f"{name}-{kind}", datasetType=kind, datasetGroupArn=g, schemaArn=s)["datasetArn"]
        wait(lambda: p.describe_dataset(datasetArn=d), "dataset")
        s3.put_object(Bucket="domains", Key=f"{name}/{kind}.csv", Body=body.encode())
        r = imported(p, f"{name}-{kind}", d, f"s3://domains/{name}/{kind}.csv")
        check(r["status"] == "ACTIVE", f"import: {r}")
        arns[kind] = d
    return g, arns, schemas


def items(domain):
    if domain == "ECOMMERCE":
        return "ITEM_ID,PRICE,CATEGORY_L1\n" + "".join(f"i{i},{i + .5},c{i % CLASSES}\n" for i in range(ITEMS_COUNT))
    # i61 and those behind it are new: nobody has had them.
    created = [(i, NOW - 200 * 86_400) for i in range(ITEMS_COUNT)] + [(i, NOW - 1000) for i in range(61, 61 + NEW)]
    return "ITEM_ID,GENRES,CREATION_TIMESTAMP\n" + "".join(f"i{i},g{i % CLASSES}|all,{at}\n" for i, at in created)


def create_all(p, g, domain):
    listed = [r["name"] for r in p.list_recipes(domain=domain)["recipes"]]
    check(listed == USE_CASES[domain], f"use cases of {domain}: {listed}")
    quiet = {"recommenderConfig": {"itemExplorationConfig": {"explorationWeight": "0"}}}  # the same answer each time; explored() has others
    arns = {u: p.create_recommender(name=u[4:], datasetGroupArn=g, recipeArn=RECIPE + u, **(quiet if u in PERSONAL else {}))["recommenderArn"] for u in USE_CASES[domain]}
    for u, arn in arns.items():
        r = wait(lambda: p.describe_recommender(recommenderArn=arn), "recommender", minutes=10)
        check(r["status"] == "ACTIVE", f"{u}: {r}")
        m = r.get("modelMetrics", {})
        want = {"coverage", "mean_reciprocal_rank_at_25"} | {f"{k}_at_{n}" for k in ("precision", "normalized_discounted_cumulative_gain") for n in (5, 10, 25)}
        check(want <= set(m) and all(0 <= x <= 1 for x in m.values()) and m["coverage"] > 0, f"metrics of {u}: {m}")
        check(("trend_prediction_accuracy" in m) == ("trending" in u), f"trend accuracy of {u}: {m}")
    found = [r["recipeArn"] for r in p.get_paginator("list_recommenders").paginate(datasetGroupArn=g, PaginationConfig={"PageSize": 2}).build_full_result()["recommenders"]]
    check(sorted(found) == [RECIPE + u for u in USE_CASES[domain]], f"listed: {found}")
    refused(p, lambda: p.create_recommender(name="six", datasetGroupArn=g, recipeArn=RECIPE + USE_CASES[domain][0]), "LimitExceededException", "More than 5")
    return arns


def answers(rt, arns, data, light, strong):
    """Each use case answers what it is for."""
    had = {}
    for u, i, e, _ in data:
        had.setdefault((u, e), set()).add(i)
    of = {}
    for (u, e), mine in had.items():
        for i in mine:
            of.setdefault((i, e), set()).add(u)
    for name, arn in arns.items():
        kw = {"itemId": "i7"} if name in NEEDS_ITEM else {}
        a = rt.get_recommendations(recommenderArn=arn, userId="u4", numResults=10, **kw)
        got = ids(a)
        check(len(set(got)) == 10 and a["recommendationId"], f"{name} answers ten items: {got}")
        check(all("score" not in i for i in a["itemList"]), f"{name} shows no scores")
        if kw:
            check("i7" not in got and sum(int(i[1:]) % CLASSES == 1 for i in got[:5]) >= 4, f"{name}: related to i7: {got}")
            refused(rt, lambda: rt.get_recommendations(recommenderArn=arn, userId="u4"), "InvalidInputException", "itemId")
        for words, event in (("because-you-watched top-picks more-like", strong if light == "Click" else light), ("recommended-for-you viewed-x", strong)):
            if any(w in name for w in words.split()):
                check(not had[("u4", event)] & set(got), f"{name} leaves out what u4 has: {got}")
        for words, event in (("most-popular", strong), ("by-views", light), ("by-purchases", strong)):
            if words in name:
                counts = [len(of.get((i, event), ())) for i in got]
                best = sorted((len(v) for (i, e), v in of.items() if e == event), reverse=True)[:10]
                check(counts == best, f"{name}: users {counts}, the most are {best}")
        if "more-like" in name:
            near = ids(rt.get_recommendations(recommenderArn=arn, userId="u4", itemId="i61", numResults=10))
            check(sum(int(i[1:]) % CLASSES == 1 for i in near) >= 9, f"{name}: related to a new item: {near}")
        if "trending" in name:
            check(got[0] == "i59", f"{name}: {got}")
        if "top-picks" in name or "recommended" in name:
            check(sum(int(i[1:]) % CLASSES == 1 for i in got[:5]) >= 4, f"{name} knows the taste of u4: {got}")
    users = [a for n, a in arns.items() if "together" not in n and "trending" not in n]
    for arn in users:
        refused(rt, lambda: rt.get_recommendations(recommenderArn=arn, itemId="i7"), "InvalidInputException", "userId")


def live(p, pe, rt, g, arn, event):
    """What is watched (or purchased) now is not answered in the next request."""
    t = p.create_event_tracker(name=g.split("/")[-1], datasetGroupArn=g)
    top = ids(rt.get_recommendations(recommenderArn=arn, userId="u5"))[0]
    pe.put_events(trackingId=t["trackingId"], userId="u5", sessionId="s", eventList=[{"eventType": event.upper(), "itemId": top, "sentAt": NOW}])
    check(top not in ids(rt.get_recommendations(recommenderArn=arn, userId="u5", numResults=60)), f"{top} was just taken and is answered no more")
    return t["eventTrackerArn"]


def stop_and_start(p, rt, arn, **ask):
    before = ids(rt.get_recommendations(recommenderArn=arn, **ask))
    refused(p, lambda: p.start_recommender(recommenderArn=arn), "InvalidInputException", "INACTIVE")
    check(p.stop_recommender(recommenderArn=arn)["recommenderArn"] == arn, "stop gives the ARN")
    wait(lambda: p.describe_recommender(recommenderArn=arn), "recommender", until=("INACTIVE",))
    refused(rt, lambda: rt.get_recommendations(recommenderArn=arn, **ask), "InvalidInputException", "INACTIVE")
    p.start_recommender(recommenderArn=arn)
    wait(lambda: p.describe_recommender(recommenderArn=arn), "recommender")
    check(ids(rt.get_recommendations(recommenderArn=arn, **ask)) == before, "the same answers after stop and start")


def explored(p, rt, arn):
    """New films have the part of the places that the weight says, which an update
    changes at once; explorationItemAgeCutOff says what is new."""
    for weight, days, want in (("0.3", "30", .3), ("0.8", "30", .8), ("0.8", "365", .8), ("0", "30", 0)):
        p.update_recommender(recommenderArn=arn, recommenderConfig={"itemExplorationConfig": {"explorationWeight": weight, "explorationItemAgeCutOff": days}})
        r = p.describe_recommender(recommenderArn=arn)["recommender"]
        check(r["latestRecommenderUpdate"]["status"] == "ACTIVE" and r["recommenderConfig"]["itemExplorationConfig"]["explorationWeight"] == weight, f"update: {r}")
        got = [int(i[1:]) for u in range(100) for i in ids(rt.get_recommendations(recommenderArn=arn, userId=f"u{u}", numResults=10))]
        share = sum(i > ITEMS_COUNT for i in got) / len(got)
        if days == "30":
            check(abs(share - want) < .05, f"weight {weight}: new films have {share:.3f} of the places")
        else:  # all are new: the old ones are explored too
            check(share < want - .1, f"all films are new: those that nobody had have {share:.3f} of the places")


def update(p, rt, arn):
    p.update_recommender(recommenderArn=arn, recommenderConfig={"minRecommendationRequestsPerSecond": 4})
    r = p.describe_recommender(recommenderArn=arn)["recommender"]
    check(r["latestRecommenderUpdate"]["status"] == "ACTIVE" and r["recommenderConfig"]["minRecommendationRequestsPerSecond"] == 4, f"update without a training: {r}")
    p.update_recommender(recommenderArn=arn, recommenderConfig={"trainingDataConfig": {"excludedDatasetColumns": {"ITEMS": ["GENRES"]}}})
    r = p.describe_recommender(recommenderArn=arn)["recommender"]
    check(r["status"] == "ACTIVE", "it answers while it is trained anew")
    rt.get_recommendations(recommenderArn=arn, userId="u1")
    r = wait(lambda: {"u": p.describe_recommender(recommenderArn=arn)["recommender"]["latestRecommenderUpdate"]}, "u")
    check(r["status"] == "ACTIVE" and r["recommenderConfig"]["trainingDataConfig"]["excludedDatasetColumns"] == {"ITEMS": ["GENRES"]}, f"update with a training: {r}")
    check(len(ids(rt.get_recommendations(recommenderArn=arn, userId="u1"))) == 25, "it answers after that")


def too_little(p, s3):
    """A use case whose events are missing says which."""
    g = p.create_dataset_group(name="little", domain="VIDEO_ON_DEMAND")["datasetGroupArn"]
    s = p.create_schema(name="little", domain="VIDEO_ON_DEMAND", schema=INTERACTIONS_OF_A_DOMAIN)["schemaArn"]
    refused(p, lambda: p.create_recommender(name="little", datasetGroupArn=g, recipeArn=RECIPE + "aws-vod-most-popular"), "InvalidInputException", "INTERACTIONS")
    d = p.create_dataset(name="little", datasetType="Interactions", datasetGroupArn=g, schemaArn=s)["datasetArn"]
    s3.put_object(Bucket="domains", Key="little.csv", Body=text([(f"u{k % 50}", f"i{k % 40}", "Click" if k % 10 else "Watch", NOW + k) for k in range(2000)]).encode())
    imported(p, "little", d, "s3://domains/little.csv")
    arn = p.create_recommender(name="little", datasetGroupArn=g, recipeArn=RECIPE + "aws-vod-most-popular")["recommenderArn"]
    r = wait(lambda: p.describe_recommender(recommenderArn=arn), "recommender")
    check(r["status"] == "CREATE FAILED" and "Dataset has fewer than 1000 interactions after filtering by event type: Watch" in r["failureReason"], f"{r}")
    p.delete_recommender(recommenderArn=arn)
    p.delete_dataset(datasetArn=d)
    p.delete_schema(schemaArn=s)
    p.delete_dataset_group(datasetGroupArn=g)


def custom_trends(p, rt, g):
    """A domain group may have custom solutions beside its recommenders."""
    _, v, r = trained(p, "trends", g, "aws-trending-now", featureTransformationParameters={"trend_discovery_frequency": "1 hour"})
    check(r["status"] == "ACTIVE", f"aws-trending-now: {r}")
    m = p.get_solution_metrics(solutionVersionArn=v)["metrics"]
    check(0 <= m["trend_prediction_accuracy"] <= 1, f"metrics {m}")
    c, r = deployed(p, "trends", v)
    check(ids(rt.get_recommendations(campaignArn=c, numResults=5))[0] == "i59", "the item that rises is first")
    p.delete_campaign(campaignArn=c)
    p.delete_solution(solutionArn=v.rsplit("/", 1)[0])
    _, v, r = trained(p, "similar", g, "aws-similar-items", algorithmHyperParameters={"popularity_discount_factor": "0.5"})
    check(r["status"] == "ACTIVE", f"aws-similar-items: {r}")
    c, r = deployed(p, "similar", v)
    near = ids(rt.get_recommendations(campaignArn=c, itemId="i61", numResults=10))
    check(sum(int(i[1:]) % CLASSES == 1 for i in near) >= 9, f"a new item has neighbours of its genre: {near}")
    p.delete_campaign(campaignArn=c)
    p.delete_solution(solutionArn=v.rsplit("/", 1)[0])


def clean_up(p, g, recommenders, tracker, datasets, schemas):
    """What stands in the way is named, and in the right order all goes."""
    refused(p, lambda: p.delete_dataset_group(datasetGroupArn=g), "ResourceInUseException", "recommender")
    refused(p, lambda: p.delete_schema(schemaArn=schemas[0]), "ResourceInUseException")
    for n, arn in enumerate(recommenders.values()):
        if n == 0:  # an inactive one can be deleted as well
            p.stop_recommender(recommenderArn=arn)
        p.delete_recommender(recommenderArn=arn)
        refused(p, lambda: p.describe_recommender(recommenderArn=arn), "ResourceNotFoundException")
    p.delete_event_tracker(eventTrackerArn=tracker)
    for d in datasets.values():
        p.delete_dataset(datasetArn=d)
    for s in schemas:
        p.delete_schema(schemaArn=s)
    p.delete_dataset_group(datasetGroupArn=g)
    check(not p.list_recommenders()["recommenders"] or all(r["datasetGroupArn"] != g for r in p.list_recommenders()["recommenders"]), "no recommender is left")


def main():
    with Server() as server:
        p, pe, rt = client("personalize"), client("personalize-events"), client("personalize-runtime")
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="domains")
        too_little(p, s3)
        made = []
        for domain, light, strong in (("VIDEO_ON_DEMAND", "Click", "Watch"), ("ECOMMERCE", "View", "Purchase")):
            data = rows(light, strong)
            g, datasets, schemas = domain_group(p, s3, domain, data)
            began = time.monotonic()
            arns = create_all(p, g, domain)
            print(f"{domain}: five recommenders in {time.monotonic() - began:.1f} s", flush=True)
            answers(rt, arns, data, light, strong)
            personal = arns["aws-vod-top-picks" if domain == "VIDEO_ON_DEMAND" else "aws-ecomm-recommended-for-you"]
            tracker = live(p, pe, rt, g, personal, strong)
            stop_and_start(p, rt, personal, userId="u9")
            made.append((g, arns, tracker, datasets, schemas))
        video = made[0][1]
        explored(p, rt, video["aws-vod-top-picks"])
        update(p, rt, video["aws-vod-most-popular"])
        custom_trends(p, rt, made[0][0])

        # A restart changes no answer, and a stopped recommender stays stopped.
        shop = made[1][1]
        before = {n: ids(rt.get_recommendations(recommenderArn=a, userId="u8", itemId="i5")) for n, a in {**video, **shop}.items()}
        p.stop_recommender(recommenderArn=shop["aws-ecomm-popular-items-by-views"])
        server.kill()
        server.start()
        refused(rt, lambda: rt.get_recommendations(recommenderArn=shop["aws-ecomm-popular-items-by-views"], userId="u8"), "InvalidInputException", "INACTIVE")
        p.start_recommender(recommenderArn=shop["aws-ecomm-popular-items-by-views"])
        wait(lambda: p.describe_recommender(recommenderArn=shop["aws-ecomm-popular-items-by-views"]), "recommender")
        for n, a in {**video, **shop}.items():
            check(ids(rt.get_recommendations(recommenderArn=a, userId="u8", itemId="i5")) == before[n], f"{n} after kill -9")
        for g, arns, tracker, datasets, schemas in made:
            clean_up(p, g, arns, tracker, datasets, schemas)
        check(not p.list_dataset_groups()["datasetGroups"], "no dataset group is left")
    done()


main()
