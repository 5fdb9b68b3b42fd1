"""Bad files fail their import with a reason that a person can act on, and leave
the dataset as it was."""
from usher import *

GOOD = [(u, i, 5, 1_000_000_000 + 50 * u + i) for u in range(1, 61) for i in range(1, 31)]

BAD = [  # name, file, texts that the failureReason must have
    ("no-column", "USER_ID,ITEM_ID,EVENT_TYPE,EVENT_VALUE\n" + "1,2,rate,3\n" * 1200, ["missing the following columns", "TIMESTAMP"]),
    ("word-as-time", csv(GOOD).replace("1,7,1000000057,rate", "1,7,yesterday,rate"), ["word-as-time.csv", "line 8", "TIMESTAMP", "yesterday"]),
    ("milliseconds", csv([(u, i, r, 1000 * t) for u, i, r, t in GOOD]), ["TIMESTAMP", "millisecond", "1800"]),
    ("empty-item", csv(GOOD).replace("\n3,4,", "\n3,,"), ["ITEM_ID", "line 65"]),
    ("no-event-type", csv(GOOD).replace("1,7,1000000057,rate", "1,7,1000000057,"), ["EVENT_TYPE", "line 8"]),
    ("bad-value", csv(GOOD).replace("1,7,1000000057,rate,5", "1,7,1000000057,rate,five"), ["EVENT_VALUE", "five", "line 8"]),
    ("too-few", csv(GOOD[:999]), ["1000"]),
    ("short-row", csv(GOOD).replace("1,7,1000000057,rate,5", "1,7"), ["line 8"]),
    ("empty", "", ["empty"]),
    ("long-id", csv(GOOD).replace("\n1,7,", "\n" + "u" * 257 + ",7,"), ["USER_ID", "256"]),
    ("not-text", None, ["UTF-8"]),
]


def main():
    with Server() as server:
        p, rt, s3 = client("personalize"), client("personalize-runtime"), boto3.client("s3")
        s3.create_bucket(Bucket="data")
        g, d = group(p, "bad")
        s3.put_object(Bucket="data", Key="good.csv", Body=csv(GOOD))
        r = imported(p, "good", d, "s3://data/good.csv")
        check(r["status"] == "ACTIVE", f"a good file is imported: {r}")
        for name, text, wanted in BAD:
            body = csv(GOOD).encode().replace(b"\n1,7,", b"\n\xff\xfe,7,") if text is None else text.encode()
            s3.put_object(Bucket="data", Key=f"{name}.csv", Body=body)
            r = imported(p, name, d, f"s3://data/{name}.csv")
            reason = r.get("failureReason", "")
            check(r["status"] == "CREATE FAILED", f"{name}: {r['status']}")
            for w in wanted:
                check(w in reason, f"{name}: {w!r} in {reason!r}")
        r = imported(p, "absent", d, "s3://data/absent.csv")
        check(r["status"] == "CREATE FAILED" and "Invalid Data location" in r["failureReason"], f"absent: {r}")
        many = csv(GOOD).replace(",rate,5", ",rate,x")
        s3.put_object(Bucket="data", Key="many.csv", Body=many)
        reason = imported(p, "many", d, "s3://data/many.csv")["failureReason"]
        check("1800" in reason and "line 11" in reason and "line 12" not in reason, f"the first ten and how many: {reason}")

        # The dataset is as the good file made it: popularity of 60 users each.
        _, v, r = trained(p, "pop", g, "aws-popularity-count")
        check(r["status"] == "ACTIVE", f"training on what the good file brought: {r}")
        c, _ = deployed(p, "pop", v)
        a = rt.get_recommendations(campaignArn=c, userId="1", numResults=500)
        check(sorted(int(i["itemId"]) for i in a["itemList"]) == list(range(1, 31)), f"items: {a['itemList']}")

        # Too little data to train.
        g2, d2 = group(p, "lonely")
        s3.put_object(Bucket="data", Key="lonely.csv", Body=csv([(u, 1, 5, 1_000_000_000 + u) for u in range(1200)]))
        r = imported(p, "lonely", d2, "s3://data/lonely.csv")
        check(r["status"] == "ACTIVE", f"lonely: {r}")
        _, v, r = trained(p, "lonely", g2, "aws-popularity-count")
        check(r["status"] == "CREATE FAILED" and "25 users" in r["failureReason"], f"lonely: {r}")
    done()


main()
