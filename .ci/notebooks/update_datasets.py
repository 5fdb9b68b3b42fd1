"""Updating schemas and data sets: an Items dataset gets a column, new data are
imported over and behind the old ones, and a solution is trained anew."""
from store import *

have = stored()
group_arn, bucket_name = have["first_group"], have["first_bucket"]
role_arn = iam.get_role(RoleName=have["role"])["Role"]["Arn"]
name = personalize.describe_dataset_group(datasetGroupArn=group_arn)["datasetGroup"]["name"]

basic = personalize.create_schema(name="items-basic", schema=schema("Items", "ITEM_ID string", "CATEGORY string*"))["schemaArn"]
items_arn = personalize.create_dataset(name="items", datasetType="Items", datasetGroupArn=group_arn, schemaArn=basic)["datasetArn"]
s3.put_object(Bucket=bucket_name, Key="items.csv", Body="ITEM_ID,CATEGORY\n" + "".join(f"{i},{'even' if i % 2 == 0 else 'odd'}\n" for i in range(60)))
imported("items-basic", items_arn, bucket_name, "items.csv", role_arn)

wider = personalize.create_schema(name="items-wider", schema=schema("Items", "ITEM_ID string", "CATEGORY string*", "PRICE float?"))["schemaArn"]
personalize.update_dataset(datasetArn=items_arn, schemaArn=wider)
while True:
    dataset = personalize.describe_dataset(datasetArn=items_arn)["dataset"]
    update = dataset["latestDatasetUpdate"]
    print("update:", update["status"])
    if update["status"] in ("ACTIVE", "CREATE FAILED"):
        break
assert update["schemaArn"] == dataset["schemaArn"] == wider, dataset
personalize.delete_schema(schemaArn=basic)
s3.put_object(Bucket=bucket_name, Key="items-wider.csv", Body="ITEM_ID,CATEGORY,PRICE\n" + "".join(f"{i},{'even' if i % 2 == 0 else 'odd'},{i}.5\n" for i in range(60)))
imported("items-wider", items_arn, bucket_name, "items-wider.csv", role_arn)
s3.put_object(Bucket=bucket_name, Key="interactions-more.csv", Body=interactions(["click"], users=160))
imported("interactions-more", f"arn:aws:personalize:{region}:{account_id}:dataset/{name}/INTERACTIONS", bucket_name, "interactions-more.csv", role_arn, "INCREMENTAL")
modes = [j["importMode"] for page in personalize.get_paginator("list_dataset_import_jobs").paginate() for j in page["datasetImportJobs"]]
assert modes.count("INCREMENTAL") == 1, modes

_, version = trained("related-items", group_arn, "aws-similar-items")
campaign = personalize.list_campaigns(maxResults=1)["campaigns"][0]["campaignArn"]
before = personalize.describe_campaign(campaignArn=campaign)["campaign"]["solutionVersionArn"]
personalize.update_campaign(campaignArn=campaign, solutionVersionArn=version)
while (update := personalize.describe_campaign(campaignArn=campaign)["campaign"]["latestCampaignUpdate"])["status"] not in ("ACTIVE", "CREATE FAILED"):
    pass
assert update["status"] == "ACTIVE" and update["solutionVersionArn"] == version != before, update
answer = runtime.get_recommendations(campaignArn=campaign, itemId="4", numResults=10)["itemList"]
assert len(answer) == 10 and all(int(i["itemId"]) % 2 == 0 for i in answer), f"related to an even item: {answer}"
