"""What the programs of this folder share, as notebooks share %store: names of
what was made, in a file; and the waiting that every Personalize program does.

Each program is of the shape of AWS's sample notebooks. It knows nothing of
usher: boto3 finds the server by AWS_ENDPOINT_URL."""
import json
import pathlib
import random
import sys
import time

import boto3

personalize = boto3.client("personalize")
runtime = boto3.client("personalize-runtime")
events = boto3.client("personalize-events")
s3 = boto3.client("s3")
iam = boto3.client("iam")
account_id = boto3.client("sts").get_caller_identity()["Account"]
region = boto3.session.Session().region_name
PATH = pathlib.Path(sys.argv[1])


def store(**values):
    PATH.write_text(json.dumps(stored() | values))


def stored():
    return json.loads(PATH.read_text()) if PATH.exists() else {}


def wait(describe, key, minutes=5):
    """Polls until what is described is there for good; gives it, whatever came of it."""
    end = time.time() + 60 * minutes
    while time.time() < end:
        status = describe()[key]["status"]
        print(f"{key}: {status}", flush=True)
        if status in ("ACTIVE", "CREATE FAILED"):
            break
        time.sleep(0.2)
    answer = describe()[key]
    assert answer["status"] == "ACTIVE", answer
    return answer


def bucket(name):
    try:
        if region == "us-east-1":
            s3.create_bucket(Bucket=name)
        else:
            s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    except s3.exceptions.BucketAlreadyOwnedByYou:
        print("Bucket already exists. Using bucket", name)
    arn = f"arn:aws:s3:::{name}"
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({
        "Version": "2012-10-17", "Id": "PersonalizeS3BucketAccessPolicy",
        "Statement": [{"Sid": "PersonalizeS3BucketAccessPolicy", "Effect": "Allow",
                       "Principal": {"Service": "personalize.amazonaws.com"},
                       "Action": ["s3:*Object", "s3:ListBucket"], "Resource": [arn, arn + "/*"]}]}))
    return name


def role(name, *policies):
    """A role that Personalize may assume; gives its ARN."""
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "personalize.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    try:
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        arn = iam.get_role(RoleName=name)["Role"]["Arn"]
    for policy in policies:
        iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    return arn


def schema(kind, *fields):
    """The text of a schema; a field is "NAME type", with * for categorical and ? for one that may be null."""
    def field(text):
        name, t = text.split()
        out = {"name": name, "type": t.strip("*?")}
        if "?" in t:
            out["type"] = ["null", out["type"]]
        return out | ({"categorical": True} if "*" in t else {})
    return json.dumps({"type": "record", "name": kind, "namespace": "com.amazonaws.personalize.schema",
                       "fields": [field(f) for f in fields], "version": "1.0"})


def imported(job, dataset, bucket, key, role_arn, mode="FULL"):
    arn = personalize.create_dataset_import_job(
        jobName=job, datasetArn=dataset, dataSource={"dataLocation": f"s3://{bucket}/{key}"}, roleArn=role_arn, importMode=mode)["datasetImportJobArn"]
    return wait(lambda: personalize.describe_dataset_import_job(datasetImportJobArn=arn), "datasetImportJob")


def group(name, **kw):
    arn = personalize.create_dataset_group(name=name, **kw)["datasetGroupArn"]
    wait(lambda: personalize.describe_dataset_group(datasetGroupArn=arn), "datasetGroup")
    return arn


def trained(name, group_arn, recipe):
    """A solution of the recipe and its first version, trained; gives both ARNs."""
    arns = [r["recipeArn"] for page in personalize.get_paginator("list_recipes").paginate() for r in page["recipes"]]
    recipe_arn = next(a for a in arns if a.endswith("/" + recipe))
    solution = personalize.create_solution(name=name, datasetGroupArn=group_arn, recipeArn=recipe_arn)["solutionArn"]
    wait(lambda: personalize.describe_solution(solutionArn=solution), "solution")
    version = personalize.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    wait(lambda: personalize.describe_solution_version(solutionVersionArn=version), "solutionVersion")
    return solution, version


def interactions(event_types, users=80, items=60, of_each=30):
    """A CSV of people who like one half of the items."""
    dice = random.Random(7)
    rows = ["USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE"]
    for u in range(users):
        for k in range(of_each):
            item = 2 * dice.randrange(items // 2) + u % 2
            rows.append(f"{u},{item},{1_600_000_000 + 5000 * k + u},{event_types[k % len(event_types)]}")
    return "\n".join(rows) + "\n"


FULL_ACCESS = "arn:aws:iam::aws:policy/service-role/AmazonPersonalizeFullAccess"
S3_ACCESS = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
