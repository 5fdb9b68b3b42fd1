"""kill -9 in the middle of an import, of a training and between PutEvents calls;
then everything that was acknowledged is there and nothing is half-made."""
import random
import threading
import time

from usher import *


def kill_import(server, p, s3, g, d):
    """A large file, killed while it is read; the import goes on by itself."""
    rows = [(u, 1 + (u * 7919 + k * 104729) % 20000, 5, 1_000_000_000 + 1000 * k + u) for k in range(40) for u in range(1, 25001)]
    s3.put_object(Bucket="data", Key="large.csv", Body=csv(rows))
    arn = p.create_dataset_import_job(jobName="large", datasetArn=d, dataSource={"dataLocation": "s3://data/large.csv"}, roleArn=ROLE)["datasetImportJobArn"]
    kills = 0
    for pause in (0.05, 0.1, 0.3):
        wait(lambda: p.describe_dataset_import_job(datasetImportJobArn=arn), "datasetImportJob", until=("CREATE IN_PROGRESS", "ACTIVE", "CREATE FAILED"), sleep=0.002)
        time.sleep(pause)
        if p.describe_dataset_import_job(datasetImportJobArn=arn)["datasetImportJob"]["status"] != "CREATE IN_PROGRESS":
            break
        server.kill()
        kills += 1
        server.start()
    r = wait(lambda: p.describe_dataset_import_job(datasetImportJobArn=arn), "datasetImportJob")
    check(kills > 0, "the import was killed at least once while it ran")
    check(r["status"] == "ACTIVE", f"a killed import ends ACTIVE: {r}")
    print(f"import of {len(rows)} rows survived {kills} kills", flush=True)


def kill_training(server, p, rt, g):
    s = p.create_solution(name="killed", datasetGroupArn=g, recipeArn="arn:aws:personalize:::recipe/aws-user-personalization-v2", performAutoTraining=False)["solutionArn"]
    v = p.create_solution_version(solutionArn=s)["solutionVersionArn"]
    kills = 0
    for pause in (0.5, 3, 8):
        wait(lambda: p.describe_solution_version(solutionVersionArn=v), "solutionVersion", until=("CREATE IN_PROGRESS", "ACTIVE", "CREATE FAILED"))
        time.sleep(pause)
        if p.describe_solution_version(solutionVersionArn=v)["solutionVersion"]["status"] != "CREATE IN_PROGRESS":
            break
        server.kill()
        kills += 1
        server.start()
    r = wait(lambda: p.describe_solution_version(solutionVersionArn=v), "solutionVersion", minutes=10)
    check(kills > 0, "the training was killed at least once while it ran")
    check(r["status"] == "ACTIVE", f"a killed training ends ACTIVE: {r}")
    c, r = deployed(p, "killed", v)
    check(r["status"] == "ACTIVE" and len(rt.get_recommendations(campaignArn=c, userId="1")["itemList"]) == 25, "and answers")
    leftovers = subprocess.run(["pgrep", "-fc", server.dir], capture_output=True, text=True).stdout.strip()
    check(int(leftovers) <= 1, f"no training process is left behind: {leftovers}")
    print(f"training survived {kills} kills", flush=True)


def kill_events(server, p, rt):
    """Writers send events while the server is killed again and again. Each event
    has an item id of its own, so a popularity model lists what is there."""
    g, _ = group(p, "events")
    t = p.create_event_tracker(name="crash", datasetGroupArn=g)["trackingId"]
    acknowledged, unknown, stop = set(), set(), threading.Event()

    def writer(n):
        pe = client("personalize-events")
        for k in range(115):  # together fewer than the 500 items of an answer
            item = f"w{n}-{k}"
            if stop.wait(0.02):
                return
            try:
                pe.put_events(trackingId=t, sessionId=f"s{n}", userId=f"writer-{n}", eventList=[
                    {"eventId": item, "eventType": "rate", "itemId": item, "sentAt": int(time.time())}])
                acknowledged.add(item)
            except Exception as e:
                if not is_connection(e):
                    check(False, f"unexpected {e!r}")
                    return
                unknown.add(item)

    threads = [threading.Thread(target=writer, args=(n,)) for n in range(4)]
    for th in threads:
        th.start()
    dice = random.Random(1)
    for _ in range(8):
        time.sleep(0.1 + dice.random() / 3)
        server.kill()
        server.start()
    for th in threads:
        th.join()
    _, v, r = trained(p, "after-crash", g, "aws-popularity-count")
    check(r["status"] == "ACTIVE", f"training after the crashes: {r}")
    c, _ = deployed(p, "after-crash", v)
    seen = {i["itemId"] for i in rt.get_recommendations(campaignArn=c, userId="u", numResults=500)["itemList"]}
    missing = acknowledged - seen
    check(not missing, f"{len(missing)} acknowledged events are lost: {sorted(missing)[:5]}")
    check(seen <= acknowledged | unknown, "nothing is there that nobody sent")
    check(len(acknowledged) > 100, f"{len(acknowledged)} acknowledged events")
    print(f"{len(acknowledged)} acknowledged events survived 8 kills, {len(unknown)} unacknowledged", flush=True)


def main():
    with Server("-fast") as server:
        p, rt, s3 = client("personalize"), client("personalize-runtime"), boto3.client("s3")
        s3.create_bucket(Bucket="data")
        g, d = group(p, "crash")
        kill_import(server, p, s3, g, d)
        s3.put_object(Bucket="data", Key="ratings.csv", Body=csv(ratings()))
        r = imported(p, "ratings", d, "s3://data/ratings.csv")
        check(r["status"] == "ACTIVE", f"import: {r}")
        kill_training(server, p, rt, g)
        kill_events(server, p, rt)
    done()


main()
