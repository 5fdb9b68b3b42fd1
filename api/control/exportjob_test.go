package control

import (
	"testing"

	"usher/batch"
	"usher/catalog"
)

func TestExportJob(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	const role = `, "roleArn": "arn:aws:iam::000000000000:role/x"`
	const arn = `{"datasetExportJobArn": "~dataset-export-job/e"}`
	create := func(name, more string) string {
		return `{"jobName": "` + name + `", "datasetArn": "~dataset/shop/INTERACTIONS", "jobOutput": {"s3DataDestination": {"path": "s3://out/folder", "kmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1"}}` + role + more + `}`
	}
	out := r.ok("CreateDatasetExportJob", create("e", `, "tags": [{"tagKey": "a", "tagValue": "b"}]`))
	r.same(out, "~dataset-export-job/e", "datasetExportJobArn")
	if got := r.begun(batch.ExportJob); got != "~dataset-export-job/e" {
		t.Errorf("exported: %s", got)
	}
	d := r.ok("DescribeDatasetExportJob", arn)["datasetExportJob"]
	for path, want := range map[string]any{"jobName": "e", "datasetArn": "~dataset/shop/INTERACTIONS", "ingestionMode": "PUT", "status": "CREATE PENDING",
		"roleArn": "arn:aws:iam::000000000000:role/x", "failureReason": nil} {
		r.same(d, want, path)
	}
	r.same(d, "s3://out/folder", "jobOutput", "s3DataDestination", "path")
	r.same(d, "arn:aws:kms:us-east-1:123456789012:key/1", "jobOutput", "s3DataDestination", "kmsKeyArn")
	r.refused("CreateDatasetExportJob", create("e", ""), "ResourceAlreadyExists", "~dataset-export-job/e")
	r.refused("CreateDatasetExportJob", create("f", `, "ingestionMode": "SOME"`), "InvalidInput", "ingestionMode")
	r.refused("DeleteDataset", `{"datasetArn": "~dataset/shop/INTERACTIONS"}`, "ResourceInUse", "~dataset-export-job/e", "DescribeDatasetExportJob")
	r.ok("ListTagsForResource", `{"resourceArn": "~dataset-export-job/e"}`)

	r.finish(batch.ExportJob, "~dataset-export-job/e", func(c catalog.Record) { settle(c, "CREATE FAILED: no bucket") })
	r.same(r.ok("DescribeDatasetExportJob", arn), "no bucket", "datasetExportJob", "failureReason")
	r.ok("CreateDatasetExportJob", create("g", `, "ingestionMode": "ALL"`))
	r.begun(batch.ExportJob)
	list := r.ok("ListDatasetExportJobs", `{"datasetArn": "~dataset/shop/INTERACTIONS"}`)["datasetExportJobs"].([]any)
	if len(list) != 2 {
		t.Fatalf("%d exports are listed", len(list))
	}
	r.same(list[0], "g", "jobName")
	r.same(list[1], "CREATE FAILED", "status")
	r.same(list[1], "no bucket", "failureReason")
	r.finish(batch.ExportJob, "~dataset-export-job/g", func(c catalog.Record) { settle(c, "ACTIVE") })
	r.ok("DeleteDataset", `{"datasetArn": "~dataset/shop/INTERACTIONS"}`)
	r.refused("DescribeDatasetExportJob", arn, "ResourceNotFound", "~dataset-export-job/e")
}
