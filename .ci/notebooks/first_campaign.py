"""Building your first campaign: bucket with a policy, role, import, solution,
metrics, campaign, recommendations, live events."""
import time

from store import *

bucket_name = bucket(f"{account_id}-{region}-personalizefirst")
s3.put_object(Bucket=bucket_name, Key="interactions.csv", Body=interactions(["click"]))
role_arn = role("PersonalizeRoleFirst", FULL_ACCESS, S3_ACCESS)

group_arn = group("first-campaign")
schema_arn = personalize.create_schema(
    name="first-interactions", schema=schema("Interactions", "USER_ID string", "ITEM_ID string", "TIMESTAMP long", "EVENT_TYPE string"))["schemaArn"]
dataset_arn = personalize.create_dataset(name="first-interactions", datasetType="INTERACTIONS", datasetGroupArn=group_arn, schemaArn=schema_arn)["datasetArn"]
store(first_group=group_arn, first_bucket=bucket_name, role="PersonalizeRoleFirst")
imported("first-import", dataset_arn, bucket_name, "interactions.csv", role_arn)

solution_arn, version_arn = trained("first-solution", group_arn, "aws-user-personalization-v2")
metrics = personalize.get_solution_metrics(solutionVersionArn=version_arn)["metrics"]
print(metrics)
assert 0 <= metrics["precision_at_5"] <= 1 and metrics["coverage"] > 0, metrics

campaign_arn = personalize.create_campaign(name="first-campaign", solutionVersionArn=version_arn, minProvisionedTPS=1)["campaignArn"]
wait(lambda: personalize.describe_campaign(campaignArn=campaign_arn), "campaign")
answer = runtime.get_recommendations(campaignArn=campaign_arn, userId="4")["itemList"]
assert len(answer) == 25 and all(0 <= i["score"] <= 1 for i in answer), answer
own = sum(int(i["itemId"]) % 2 == 0 for i in answer[:10])
assert own >= 8, f"user 4 likes even items; of the first ten {own} are"

tracker = personalize.create_event_tracker(name="first-tracker", datasetGroupArn=group_arn)
wait(lambda: personalize.describe_event_tracker(eventTrackerArn=tracker["eventTrackerArn"]), "eventTracker")
for n in range(12):
    events.put_events(trackingId=tracker["trackingId"], userId="somebody new", sessionId="session_1", eventList=[
        {"sentAt": int(time.time()), "eventType": "click", "itemId": str(2 * n + 1), "properties": '{"discount": "no"}'}])
answer = runtime.get_recommendations(campaignArn=campaign_arn, userId="somebody new")["itemList"]
own = sum(int(i["itemId"]) % 2 == 1 for i in answer[:10])
assert own >= 8, f"who clicked odd items is recommended {own} of them"
