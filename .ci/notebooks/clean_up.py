"""Cleaning up in the order of dependence, as the notebooks' script does: what was
deleted is waited for until it is not found; then schemas, role, policy, buckets."""
import botocore.exceptions

from store import *


def gone(describe, **arn):
    """Waits until a resource is not found."""
    while True:
        try:
            print(next(iter(describe(**arn).values()))["status"])
        except botocore.exceptions.ClientError as e:
            assert e.response["Error"]["Code"] == "ResourceNotFoundException", e
            return


def delete_all(kind, key, member, **scope):
    """Deletes all of a kind in a group, as pages list them; gives their ARNs."""
    arns = [r[member] for page in personalize.get_paginator(f"list_{kind}s").paginate(**scope) for r in page[key]]
    for arn in arns:
        getattr(personalize, f"delete_{kind}")(**{member: arn})
    for arn in arns:
        gone(getattr(personalize, f"describe_{kind}"), **{member: arn})
    return arns


def clean(group_arn):
    """Deletes a dataset group; gives the schemas that it used."""
    try:
        personalize.delete_dataset_group(datasetGroupArn=group_arn)
        raise AssertionError("a full group was deleted")
    except personalize.exceptions.ResourceInUseException as e:
        print(e)
    scope = {"datasetGroupArn": group_arn}
    for page in personalize.get_paginator("list_solutions").paginate(**scope):
        for s in page["solutions"]:
            delete_all("campaign", "campaigns", "campaignArn", solutionArn=s["solutionArn"])
    delete_all("solution", "solutions", "solutionArn", **scope)
    delete_all("recommender", "recommenders", "recommenderArn", **scope)
    delete_all("event_tracker", "eventTrackers", "eventTrackerArn", **scope)
    delete_all("filter", "Filters", "filterArn", **scope)
    schemas = [personalize.describe_dataset(datasetArn=d["datasetArn"])["dataset"]["schemaArn"] for d in personalize.list_datasets(**scope)["datasets"]]
    delete_all("dataset", "datasets", "datasetArn", **scope)
    personalize.delete_dataset_group(**scope)
    gone(personalize.describe_dataset_group, **scope)
    return schemas


def empty(name):
    keys = [o["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name) for o in page.get("Contents", [])]
    s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": k} for k in keys]})
    s3.delete_bucket_policy(Bucket=name)
    s3.delete_bucket(Bucket=name)


have = stored()
for group_arn in have["first_group"], have["vod_group"]:
    for schema_arn in clean(group_arn):
        personalize.delete_schema(schemaArn=schema_arn)
try:
    iam.delete_role(RoleName=have["role"])
    raise AssertionError("a role with policies was deleted")
except iam.exceptions.DeleteConflictException as e:
    print(e)
for policy in iam.list_attached_role_policies(RoleName=have["role"])["AttachedPolicies"]:
    iam.detach_role_policy(RoleName=have["role"], PolicyArn=policy["PolicyArn"])
iam.delete_role(RoleName=have["role"])
iam.delete_policy(PolicyArn=have["policy"])
for name in have["first_bucket"], have["vod_bucket"]:
    empty(name)

assert have["role"] not in [r["RoleName"] for page in iam.get_paginator("list_roles").paginate() for r in page["Roles"]]
assert have["policy"] not in [p["Arn"] for p in iam.list_policies()["Policies"]]
left = {kind: personalize.get_paginator(f"list_{kind}").paginate().build_full_result() for kind in (
    "dataset_groups", "schemas", "datasets", "dataset_import_jobs", "solutions", "solution_versions", "campaigns", "recommenders", "event_trackers", "filters")}
assert not any(v for answer in left.values() for v in answer.values()), left
