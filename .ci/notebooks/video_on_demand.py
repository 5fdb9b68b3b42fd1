"""Building your first recommender: a video-on-demand group with three schemas and
imports, two recommenders, a filter with a value, metadata, a stop and a start."""
import random

from store import *

bucket_name = bucket(f"{account_id}-{region}-personalizemanagedvod")
dice = random.Random(3)
GENRES = ["Comedy", "Drama", "Action", "Horror"]
items = "ITEM_ID,GENRES,YEAR,CREATION_TIMESTAMP\n" + "".join(
    f"{i},{dice.choice(GENRES)}|{dice.choice(GENRES)},{1990 + i % 30 if i % 9 else ''},1590000000\n" for i in range(60))
users = "USER_ID,GENDER\n" + "".join(f"{u},{dice.choice(['female', 'male'])}\n" for u in range(80))
for key, body in ("interactions.csv", interactions(["Watch", "Click"])), ("items.csv", items), ("users.csv", users):
    with open(PATH.with_name(key), "w") as f:
        f.write(body)
    boto3.Session().resource("s3").Bucket(bucket_name).Object(key).upload_file(f.name)

group_arn = group("video-on-demand", domain="VIDEO_ON_DEMAND")
datasets = {}
for kind, fields in {
    "Interactions": ["USER_ID string", "ITEM_ID string", "EVENT_TYPE string", "TIMESTAMP long"],
    "Items": ["ITEM_ID string", "GENRES string*", "YEAR string*", "CREATION_TIMESTAMP long"],
    "Users": ["USER_ID string", "GENDER string*"],
}.items():
    arn = personalize.create_schema(name=f"vod-{kind}", schema=schema(kind, *fields), domain="VIDEO_ON_DEMAND")["schemaArn"]
    datasets[kind] = personalize.create_dataset(name=f"vod-{kind}", datasetType=kind.upper(), datasetGroupArn=group_arn, schemaArn=arn)["datasetArn"]
store(vod_group=group_arn, vod_bucket=bucket_name)

role_arn = role("PersonalizeRoleFirst", FULL_ACCESS)  # that of the program before
policy = iam.create_policy(PolicyName="personalize-vod-policy", Description="Policy to allow Personalize access to our S3 bucket", PolicyDocument=json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [f"arn:aws:s3:::{bucket_name}/*"]}]}))["Policy"]
assert policy["DefaultVersionId"] == "v1", policy
iam.attach_role_policy(RoleName="PersonalizeRoleFirst", PolicyArn=policy["Arn"])
store(policy=policy["Arn"])
jobs = {kind: personalize.create_dataset_import_job(
    jobName=f"vod-import-{kind}", datasetArn=arn, dataSource={"dataLocation": f"s3://{bucket_name}/{kind.lower()}.csv"}, roleArn=role_arn)["datasetImportJobArn"]
    for kind, arn in datasets.items()}
for arn in jobs.values():
    wait(lambda: personalize.describe_dataset_import_job(datasetImportJobArn=arn), "datasetImportJob")

recipes = personalize.list_recipes(domain="VIDEO_ON_DEMAND")["recipes"]
assert len(recipes) == 5 and all(r["domain"] == "VIDEO_ON_DEMAND" for r in recipes), recipes
recommenders = {}
for name, use_case in ("more_like_x", "aws-vod-more-like-x"), ("top_picks", "aws-vod-top-picks"):
    recommenders[name] = personalize.create_recommender(
        name=f"{name}_demo", recipeArn=f"arn:aws:personalize:::recipe/{use_case}", datasetGroupArn=group_arn,
        recommenderConfig={"enableMetadataWithRecommendations": True})["recommenderArn"]
for arn in recommenders.values():
    wait(lambda: personalize.describe_recommender(recommenderArn=arn), "recommender")

like = runtime.get_recommendations(recommenderArn=recommenders["more_like_x"], itemId="10", userId="4", numResults=20)["itemList"]
assert len(like) == 20 and "10" not in [i["itemId"] for i in like], like
filter_arn = personalize.create_filter(
    name="vod-genre", datasetGroupArn=group_arn, filterExpression="INCLUDE ItemID WHERE Items.GENRES IN ($GENRE)")["filterArn"]
wait(lambda: personalize.describe_filter(filterArn=filter_arn), "filter")
top = runtime.get_recommendations(recommenderArn=recommenders["top_picks"], userId="4", filterArn=filter_arn, filterValues={"GENRE": '"Comedy"'},
                                  metadataColumns={"ITEMS": ["GENRES", "YEAR"]}, numResults=5)["itemList"]
assert len(top) == 5 and all("Comedy" in i["metadata"]["GENRES"] for i in top), top

personalize.stop_recommender(recommenderArn=recommenders["more_like_x"])
assert personalize.describe_recommender(recommenderArn=recommenders["more_like_x"])["recommender"]["status"] == "INACTIVE"
personalize.start_recommender(recommenderArn=recommenders["more_like_x"])
wait(lambda: personalize.describe_recommender(recommenderArn=recommenders["more_like_x"]), "recommender")
again = runtime.get_recommendations(recommenderArn=recommenders["more_like_x"], itemId="10", userId="4", numResults=20)["itemList"]
assert again == like, (again, like)
