"""Batch jobs and metric attribution with unmodified boto3, on generated data: batch
inference of users, items and rankings with filters and bad lines, through kill -9; segments;
an objective besides relevance; exploration by a campaign's weight; and what recommendations led to, counted once
each by source, in reports and on /metrics."""
import csv as csvlib
import json
import random
import time
import urllib.request

from usher import *

NOW = 1_790_000_000
TASTES, EACH = 3, 20

EVENTS = """{"type":"record","name":"Interactions","namespace":"com.amazonaws.personalize.schema","fields":[
{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"},{"name":"EVENT_TYPE","type":"string"},
{"name":"EVENT_VALUE","type":["float","null"]},{"name":"RECOMMENDATION_ID","type":["string","null"]},{"name":"EVENT_ATTRIBUTION_SOURCE","type":["string","null"]}],"version":"1.0"}"""
THINGS = """{"type":"record","name":"Items","namespace":"com.amazonaws.personalize.schema","fields":[
{"name":"ITEM_ID","type":"string"},{"name":"TASTE","type":"string","categorical":true},{"name":"PRICE","type":"float"},{"name":"CREATION_TIMESTAMP","type":"long"}],"version":"1.0"}"""


def ids(answer):
    return [i["itemId"] for i in answer["itemList"]]


def taste(item):
    return int(item[1:]) % TASTES


def refused(client, call, error, *texts):
    try:
        call()
    except client.exceptions.ClientError as e:
        check(e.response["Error"]["Code"] == error and all(t in str(e) for t in texts), f"{error} {texts}, got {e}")
        return
    check(False, f"{error} {texts}")


def load(p, s3):
    rng = random.Random(5)
    rows = []
    for u in range(300):
        at = NOW - rng.randrange(40, 80) * 86_400
        for _ in range(rng.randrange(6, 20)):
            at += rng.randrange(20, 3000)
            rows.append(f"u{u},i{min(rng.randrange(EACH), rng.randrange(EACH)) * TASTES + u % TASTES},{at},view,,,")
    rows.append(f"u0,i0,{NOW},view,,,")
    s3.put_object(Bucket="batch", Key="data/events.csv", Body=("USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE,RECOMMENDATION_ID,EVENT_ATTRIBUTION_SOURCE\n" + "\n".join(rows)).encode())
    # The last thirty were made yesterday, and nobody has had them.
    s3.put_object(Bucket="batch", Key="data/items.csv", Body=("ITEM_ID,TASTE,PRICE,CREATION_TIMESTAMP\n" + "".join(
        f"i{i},t{i % TASTES},{i + .5},{NOW - 90 * 86_400 if i < TASTES * EACH else NOW - 86_400}\n" for i in range(TASTES * EACH + 30))).encode())
    g, events = group(p, "batch", EVENTS)
    check(imported(p, "events", events, "s3://batch/data/events.csv")["status"] == "ACTIVE", "import of events")
    s = p.create_schema(name="things", schema=THINGS)["schemaArn"]
    items = p.create_dataset(name="things", datasetType="Items", datasetGroupArn=g, schemaArn=s)["datasetArn"]
    check(imported(p, "items", items, "s3://batch/data/items.csv")["status"] == "ACTIVE", "import of items")
    return g, events


def infer(p, name, version, lines, **kw):
    """Starts a batch inference of lines, one file or several."""
    s3 = boto3.client("s3")
    files = lines if isinstance(lines, dict) else {"in.json": lines}
    for file, text in files.items():
        s3.put_object(Bucket="batch", Key=f"{name}/in/{file}", Body="\n".join(l if isinstance(l, str) else json.dumps(l) for l in text).encode())
    return p.create_batch_inference_job(jobName=name, solutionVersionArn=version, roleArn=ROLE, jobInput={"s3DataSource": {"path": f"s3://batch/{name}/in/"}},
                                        jobOutput={"s3DataDestination": {"path": f"s3://batch/{name}/out/"}}, **kw)["batchInferenceJobArn"]


def answers(name, file="in.json"):
    body = boto3.client("s3").get_object(Bucket="batch", Key=f"{name}/out/{file}.out")["Body"].read().decode()
    return [json.loads(l) for l in body.splitlines()]


def inferred(p, name, version, lines, **kw):
    arn = infer(p, name, version, lines, **kw)
    r = wait(lambda: p.describe_batch_inference_job(batchInferenceJobArn=arn), "batchInferenceJob")
    check(r["status"] == "ACTIVE" and r["batchInferenceJobMode"] == "BATCH_INFERENCE", f"{name}: {r}")
    return answers(name)


def inference(p, rt, g, personal, ranking, similar, campaign):
    keys = {o["Key"] for o in boto3.client("s3").list_objects_v2(Bucket="batch").get("Contents", [])}
    users = [{"userId": f"u{u}"} for u in range(50)] + ["no JSON", {"userId": "never seen"}, {"itemId": "i1"}]
    got = inferred(p, "users", personal, users, numResults=10, batchInferenceJobConfig={"itemExplorationConfig": {"explorationWeight": "0"}})
    new = {o["Key"] for o in boto3.client("s3").list_objects_v2(Bucket="batch")["Contents"]} - keys
    check(new == {"users/in/in.json", "users/out/in.json.out", "users/out/_CHECK"}, f"objects {new}")
    check(len(got) == len(users), f"{len(got)} lines")
    for u in range(50):
        live = rt.get_recommendations(campaignArn=campaign, userId=f"u{u}", numResults=10)
        out = got[u]["output"]
        check(got[u]["input"] == users[u] and got[u]["error"] is None and out["recommendedItems"] == ids(live), f"line {u}: {got[u]}, live {ids(live)}")
        check(all(abs(a - b["score"]) < 1e-6 for a, b in zip(out["scores"], live["itemList"])), f"scores of line {u}")
    check(got[50]["input"] == "no JSON" and got[50]["output"] is None and "JSON" in got[50]["error"], f"{got[50]}")
    check(len(got[51]["output"]["recommendedItems"]) == 10, f"{got[51]}")
    check(got[52]["output"] is None and "userId" in got[52]["error"], f"{got[52]}")

    f = p.create_filter(name="of-taste", datasetGroupArn=g, filterExpression="INCLUDE ItemID WHERE Items.TASTE IN ($T)")["filterArn"]
    got = inferred(p, "filtered", personal, [{"userId": "u1", "filterValues": {"T": f'"t{t}"'}} for t in range(3)] + [{"userId": "u1"}], filterArn=f, numResults=5)
    for t in range(3):
        check({taste(i) for i in got[t]["output"]["recommendedItems"]} == {t}, f"{got[t]}")
    check(got[3]["output"] is None and "T" in got[3]["error"], f"without the parameter: {got[3]}")

    got = inferred(p, "ranked", ranking, [{"userId": "u1", "itemList": ["i0", "i1", "i2", "nothing"]}])
    out = got[0]["output"]
    check(out["recommendedItems"][0] == "i1" and out["recommendedItems"][-1] == "nothing" and abs(sum(out["scores"]) - 1) < 1e-5, f"{out}")
    got = inferred(p, "related", similar, [{"itemId": "i4"}])
    check(sum(taste(i) == 1 for i in got[0]["output"]["recommendedItems"][:10]) >= 9 and "scores" not in got[0]["output"], f"{got[0]}")

    refused(p, lambda: infer(p, "users", personal, []), "ResourceAlreadyExistsException")
    arn = infer(p, "empty", personal, {"none": []})
    r = wait(lambda: p.describe_batch_inference_job(batchInferenceJobArn=arn), "batchInferenceJob")
    check(r["status"] == "CREATE FAILED" and "Invalid S3 input path" in r["failureReason"], f"{r}")
    names = [j["jobName"] for j in p.get_paginator("list_batch_inference_jobs").paginate(solutionVersionArn=personal, PaginationConfig={"PageSize": 1}).build_full_result()["batchInferenceJobs"]]
    check(names == ["empty", "filtered", "users"], f"listed {names}")


def segments(p, g):
    """Users for items and for attributes, by both recipes, with a filter of users."""
    s3 = boto3.client("s3")

    def segmented(name, version, lines, **kw):
        s3.put_object(Bucket="batch", Key=f"{name}/in.json", Body="\n".join(json.dumps(l) for l in lines).encode())
        arn = p.create_batch_segment_job(jobName=name, solutionVersionArn=version, roleArn=ROLE, jobInput={"s3DataSource": {"path": f"s3://batch/{name}/in.json"}},
                                         jobOutput={"s3DataDestination": {"path": f"s3://batch/{name}/out/"}}, **kw)["batchSegmentJobArn"]
        r = wait(lambda: p.describe_batch_segment_job(batchSegmentJobArn=arn), "batchSegmentJob")
        check(r["status"] == "ACTIVE", f"{r}")
        return answers(name)

    def of(line, taste):
        return sum(int(u[1:]) % TASTES == taste for u in line["output"]["usersList"]) / max(1, len(line["output"]["usersList"]))
    _, v, r = trained(p, "item-affinity", g, "aws-item-affinity")
    check(r["status"] == "ACTIVE", f"{r}")
    m = p.get_solution_metrics(solutionVersionArn=v)["metrics"]
    check(set(m) == {"coverage", "hits_at_1_percent", "recall_at_1_percent"} and m["recall_at_1_percent"] > .01, f"metrics {m}")
    refused(p, lambda: p.create_campaign(name="no", solutionVersionArn=v), "InvalidInputException", "CreateBatchSegmentJob")
    got = segmented("of-items", v, [{"itemId": f"i{i}"} for i in range(6)] + [{"itemId": "i99999"}], numResults=20)
    for i in range(6):
        check(len(got[i]["output"]["usersList"]) == 20 and of(got[i], i % TASTES) > .9, f"segment of i{i}: {got[i]}")
    check(got[6]["output"] is None and "i99999" in got[6]["error"], f"{got[6]}")
    f = p.create_filter(name="viewers", datasetGroupArn=g, filterExpression='EXCLUDE UserID WHERE Interactions.EVENT_TYPE IN ("view")')["filterArn"]
    got = segmented("nobody", v, [{"itemId": "i1"}], filterArn=f)
    check(got[0]["output"] == {"usersList": []}, f"with a filter that all users fail: {got}")
    _, v, r = trained(p, "attribute-affinity", g, "aws-item-attribute-affinity")
    check(r["status"] == "ACTIVE", f"{r}")
    got = segmented("of-tastes", v, [{"itemAttributes": f'ITEMS.TASTE = "t{t}" AND ITEMS.PRICE = {t + .5}'} for t in range(3)] + [{"itemAttributes": 'ITEMS.TASTE > "t"'}], numResults=20)
    for t in range(3):
        check(of(got[t], t) > .9, f"segment of taste {t}: {got[t]}")
    check(got[3]["output"] is None and "condition" in got[3]["error"], f"{got[3]}")
    check(len(p.list_batch_segment_jobs(solutionVersionArn=v)["batchSegmentJobs"]) == 1, "listed")


def told(server, job):
    """What usher's own call tells of a batch inference."""
    with urllib.request.urlopen(f"{server.url}/usher/v1/batch-inference-jobs/{job}") as r:
        return json.loads(r.read())


def killed(p, server, personal):
    """Answers of many lines through five kills are those of an undisturbed job."""
    files = {f"{n}.json": [{"userId": f"u{u % 300}"} for u in range(n, 60_000 + n)] for n in range(2)}
    config = {"itemExplorationConfig": {"explorationWeight": "0"}}
    whole = infer(p, "whole", personal, files, batchInferenceJobConfig=config)
    began = time.monotonic()
    wait(lambda: p.describe_batch_inference_job(batchInferenceJobArn=whole), "batchInferenceJob")
    print(f"120,000 lines in {time.monotonic() - began:.1f} s", flush=True)
    arn = infer(p, "killed", personal, files, batchInferenceJobConfig=config)
    far = 0
    for _ in range(4):
        time.sleep(.5)
        server.kill()
        server.start()
        now = told(server, "killed").get("progress", {}).get("done", far)
        check(now >= far, f"progress after a kill: {now}, before {far}")
        far = now
    r = wait(lambda: p.describe_batch_inference_job(batchInferenceJobArn=arn), "batchInferenceJob")
    check(r["status"] == "ACTIVE", f"after kills: {r}")
    check(told(server, "killed")["report"] == {"lines": 120_000, "mistaken": 0}, f"{told(server, 'killed')}")
    for f in files:
        check(answers("killed", f) == answers("whole", f), f"{f}: the answers differ")
    left = [str(f) for f in pathlib.Path(server.dir, "data", "blobs", "batch").rglob("*") if f.is_file()]
    check(not left, f"chunks are left: {left}")


def exploration(p, rt, version):
    cold = {f"i{i}" for i in range(TASTES * EACH, TASTES * EACH + 30)}
    for weight in ("0", "0.3", "1"):
        c = p.create_campaign(name="explore-" + weight.replace(".", ""), solutionVersionArn=version, campaignConfig={"itemExplorationConfig": {"explorationWeight": weight, "explorationItemAgeCutOff": "30"}})["campaignArn"]
        wait(lambda: p.describe_campaign(campaignArn=c), "campaign")
        shown = [i for u in range(100) for i in ids(rt.get_recommendations(campaignArn=c, userId=f"u{u}", numResults=20))]
        share = sum(i in cold for i in shown) / len(shown)
        check(len(shown) == 2000 and abs(share - float(weight)) < .05, f"weight {weight}: {share:.3f} of the items are new")
        p.delete_campaign(campaignArn=c)


def scraped(server, attribution):
    """Totals by metric, type and source, from /metrics."""
    out = {}
    for line in urllib.request.urlopen(server.url + "/metrics").read().decode().splitlines():
        if line.startswith("usher_attributed_metric{") and attribution in line:
            labels = dict(part.split("=", 1) for part in line[line.index("{") + 1:line.index("}")].split('",'))
            labels = {k: v.strip('"') for k, v in labels.items()}
            out[labels["MetricName"], labels["EVENT_TYPE"], labels["EVENT_ATTRIBUTION_SOURCE"]] = float(line.split()[-1])
    return out


def objective(p, rt, server, g, relevant):
    """A solution that is to bring revenue too answers with dearer things, live, in
    batch and in rankings; what the price adds is told."""
    aim = {"itemAttribute": "PRICE", "objectiveSensitivity": "HIGH"}
    refused(p, lambda: trained(p, "x", g, "aws-user-personalization", optimizationObjective={**aim, "itemAttribute": "TASTE"}), "InvalidInputException", "TASTE", "type string")
    refused(p, lambda: trained(p, "x", g, "aws-user-personalization-v2", optimizationObjective=aim), "InvalidInputException", "optimizationObjective", "aws-user-personalization")
    s, v, r = trained(p, "revenue", g, "aws-user-personalization", optimizationObjective=aim)
    check(r["status"] == "ACTIVE" and r["solutionConfig"]["optimizationObjective"] == aim, f"{r}")
    check(p.describe_solution(solutionArn=s)["solution"]["solutionConfig"]["optimizationObjective"] == aim, "the objective of the solution")
    check(0 < p.get_solution_metrics(solutionVersionArn=v)["metrics"]["average_rewards_at_k"] <= 1, "average_rewards_at_k")
    check("average_rewards_at_k" not in p.get_solution_metrics(solutionVersionArn=relevant)["metrics"], "no objective, no rewards")
    c = p.create_campaign(name="revenue", solutionVersionArn=v, campaignConfig={"itemExplorationConfig": {"explorationWeight": "0"}})["campaignArn"]
    wait(lambda: p.describe_campaign(campaignArn=c), "campaign")
    users = [{"userId": f"u{u}"} for u in range(60)]
    price = lambda lists: sum(int(i[1:]) + .5 for l in lists for i in l) / sum(map(len, lists))
    of = {name: [l["output"]["recommendedItems"] for l in inferred(p, name, version, users, numResults=10, batchInferenceJobConfig={"itemExplorationConfig": {"explorationWeight": "0"}})]
          for name, version in (("dear", v), ("liked", relevant))}
    check(price(of["dear"]) > 1.1 * price(of["liked"]), f"mean prices {price(of['dear'])} and {price(of['liked'])}")
    for u in range(60):
        live = rt.get_recommendations(campaignArn=c, userId=f"u{u}", numResults=10)
        check(ids(live) == of["dear"][u], f"user {u}: live {ids(live)}, batch {of['dear'][u]}")
    item = ids(live)[0]
    body = json.dumps({"campaignArn": c, "userId": "u59", "numResults": 10, "items": [item]}).encode()
    with urllib.request.urlopen(urllib.request.Request(server.url + "/usher/v1/explanations", method="POST", data=body)) as e:
        parts = {x["name"]: x["value"] for x in json.loads(e.read())["items"][0]["parts"]}
    check("objective PRICE" in parts and "network" in parts, f"parts of {item}: {parts}")
    _, v, _ = trained(p, "revenue-ranking", g, "aws-personalized-ranking", optimizationObjective=aim)
    c, _ = deployed(p, "revenue-ranking", v)
    ranked = rt.get_personalized_ranking(campaignArn=c, userId="u1", inputList=[f"i{i}" for i in range(60)])["personalizedRanking"]
    check(abs(sum(i["score"] for i in ranked) - 1) < 1e-4, "scores of a ranking sum to 1")


def until(get, want, what, seconds=20):
    end = time.monotonic() + seconds
    while (got := get()) != want and time.monotonic() < end:
        time.sleep(.1)
    check(got == want, f"{what}: {got}, want {want}")


def attribution(p, pe, rt, server, g, events, campaign):
    metrics = [{"eventType": "buy", "metricName": "buys", "expression": "SAMPLECOUNT()"}, {"eventType": "buy", "metricName": "revenue", "expression": "SUM(Items.PRICE)"},
               {"eventType": "watch", "metricName": "minutes", "expression": "SUM(Interactions.EVENT_VALUE)"}]
    m = p.create_metric_attribution(name="shop", datasetGroupArn=g, metrics=metrics, metricsOutputConfig={"roleArn": ROLE, "s3DataDestination": {"path": "s3://batch/metrics/"}})["metricAttributionArn"]
    check(p.describe_metric_attribution(metricAttributionArn=m)["metricAttribution"]["status"] == "ACTIVE", "the metric attribution")
    check(p.list_metric_attribution_metrics(metricAttributionArn=m)["metrics"] == metrics, "its metrics")
    refused(p, lambda: p.create_metric_attribution(name="two", datasetGroupArn=g, metrics=metrics, metricsOutputConfig={"roleArn": ROLE}), "ResourceAlreadyExistsException", m)
    refused(p, lambda: p.update_metric_attribution(metricAttributionArn=m, addMetrics=[{"eventType": "buy", "metricName": "n", "expression": "SUM(Items.TASTE)"}]), "InvalidInputException", "numbers")
    tracker = p.create_event_tracker(name="t", datasetGroupArn=g)["trackingId"]
    rid = rt.get_recommendations(campaignArn=campaign, userId="u1")["recommendationId"]

    def put(*list):
        pe.put_events(trackingId=tracker, userId="u1", sessionId="s", eventList=[{"sentAt": NOW + 60, **e} for e in list])
    put({"eventId": "1", "eventType": "buy", "itemId": "i1", "recommendationId": rid}, {"eventId": "2", "eventType": "buy", "itemId": "i2", "metricAttribution": {"eventAttributionSource": "mail"}, "recommendationId": rid},
        {"eventId": "3", "eventType": "watch", "itemId": "i3", "eventValue": 12.5}, {"eventId": "4", "eventType": "view", "itemId": "i3"})
    put({"eventId": "1", "eventType": "buy", "itemId": "i1", "recommendationId": rid})  # again
    want = {("buys", "BUY", campaign): 1, ("revenue", "BUY", campaign): 1.5, ("buys", "BUY", "mail"): 1, ("revenue", "BUY", "mail"): 2.5, ("minutes", "WATCH", "SOURCE_NAME_UNDEFINED"): 12.5}
    until(lambda: scraped(server, m), want, "totals")

    # kill -9 while events come: each counts once.
    n = 0
    for _ in range(4):
        for _ in range(60):
            n += 1
            put({"eventId": f"k{n}", "eventType": "buy", "itemId": "i0", "metricAttribution": {"eventAttributionSource": "mail"}})
        server.kill()
        server.start()
    put({"eventId": "k1", "eventType": "buy", "itemId": "i0", "metricAttribution": {"eventAttributionSource": "mail"}})
    want["buys", "BUY", "mail"] += n
    want["revenue", "BUY", "mail"] += n * .5
    until(lambda: scraped(server, m), want, "totals after kill -9")

    body = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE,RECOMMENDATION_ID,EVENT_ATTRIBUTION_SOURCE\n" + f"u1,i4,{NOW},buy,,,shelf\n" * 600 + f"u2,i5,{NOW + 900},buy,,{rid},\n" * 400
    boto3.client("s3").put_object(Bucket="batch", Key="data/more.csv", Body=body.encode())
    r = imported(p, "more", events, "s3://batch/data/more.csv", importMode="INCREMENTAL", publishAttributionMetricsToS3=True)
    check(r["status"] == "ACTIVE" and r["publishAttributionMetricsToS3"], f"{r}")
    want["buys", "BUY", "shelf"], want["revenue", "BUY", "shelf"] = 600, 600 * 4.5
    want["buys", "BUY", campaign] += 400
    want["revenue", "BUY", campaign] += 400 * 5.5
    until(lambda: scraped(server, m), want, "totals after an import")
    s3 = boto3.client("s3")
    until(lambda: len([o for o in s3.list_objects_v2(Bucket="batch", Prefix="metrics/").get("Contents", [])]), 1, "reports")
    key = s3.list_objects_v2(Bucket="batch", Prefix="metrics/")["Contents"][0]["Key"]
    check(key.startswith("metrics/AggregatedAttributionMetrics - INCREMENTAL - ") and key.endswith(".csv"), key)
    rows = sorted(tuple(r) for r in csvlib.reader(s3.get_object(Bucket="batch", Key=key)["Body"].read().decode().splitlines()))
    q = NOW // 900 * 900
    check(rows == sorted([("METRIC_NAME", "EVENT_TYPE", "VALUE", "MATH_FUNCTION", "EVENT_ATTRIBUTION_SOURCE", "TIMESTAMP"),
                          ("BUYS", "BUY", "600.0", "samplecount", "shelf", str(q)), ("REVENUE", "BUY", "2700.0", "sum", "shelf", str(q)),
                          ("BUYS", "BUY", "400.0", "samplecount", campaign, str(q + 900)), ("REVENUE", "BUY", "2200.0", "sum", campaign, str(q + 900))]), f"{rows}")

    p.update_metric_attribution(metricAttributionArn=m, removeMetrics=["revenue", "minutes"])
    until(lambda: scraped(server, m), {k: v for k, v in want.items() if k[0] == "buys"}, "totals of what is left")
    p.delete_metric_attribution(metricAttributionArn=m)
    until(lambda: scraped(server, m), {}, "totals of a deleted one")


def main():
    with Server() as server:
        p, pe, rt = client("personalize"), client("personalize-events"), client("personalize-runtime")
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="batch")
        g, events = load(p, s3)
        _, personal, r = trained(p, "personal", g, "aws-user-personalization", algorithmHyperParameters={"hidden_dimension": "64", "bptt": "32"})
        check(r["status"] == "ACTIVE", f"{r}")
        _, ranking, r = trained(p, "ranking", g, "aws-personalized-ranking")
        check(r["status"] == "ACTIVE", f"{r}")
        _, similar, r = trained(p, "similar", g, "aws-similar-items")
        check(r["status"] == "ACTIVE", f"{r}")
        c = p.create_campaign(name="live", solutionVersionArn=personal, campaignConfig={"itemExplorationConfig": {"explorationWeight": "0"}})["campaignArn"]
        wait(lambda: p.describe_campaign(campaignArn=c), "campaign")
        inference(p, rt, g, personal, ranking, similar, c)
        objective(p, rt, server, g, personal)
        exploration(p, rt, personal)
        segments(p, g)
        attribution(p, pe, rt, server, g, events, c)
        killed(p, server, personal)
        v = p.create_solution_version(solutionArn=personal.rsplit("/", 1)[0], trainingMode="UPDATE")["solutionVersionArn"]
        r = p.describe_solution_version(solutionVersionArn=v)["solutionVersion"]
        check(r["status"] == "ACTIVE" and r["trainingMode"] == "UPDATE", f"{r}")
    done()


main()
