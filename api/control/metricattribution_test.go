package control

import (
	"fmt"
	"strings"
	"testing"
)

// TestMetricAttribution: the life of a metric attribution, and what it refuses.
func TestMetricAttribution(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	const count = `{"eventType": "buy", "metricName": "%s", "expression": "SAMPLECOUNT()"}`
	of := func(name string) string { return fmt.Sprintf(count, name) }
	sum := func(what string) string {
		return fmt.Sprintf(`{"eventType": "buy", "metricName": "x", "expression": "SUM(%s)"}`, what)
	}
	r.refuse([]refusal{
		{"CreateMetricAttribution", metricAttribution(sum("Items.PRICE"), "s3://a/b/"), "InvalidInput", []string{"metrics.1.member.expression", "no ITEMS dataset"}},
		{"CreateMetricAttribution", metricAttribution(sum("Interactions.NONE"), "s3://a/b/"), "InvalidInput", []string{"no column", "NONE"}},
		{"CreateMetricAttribution", metricAttribution(sum("Interactions.ITEM_ID"), "s3://a/b/"), "InvalidInput", []string{"only numbers can be summed"}},
		{"CreateMetricAttribution", metricAttribution(`{"eventType": "buy", "metricName": "x", "expression": "AVG(Items.PRICE)"}`, "s3://a/b/"), "InvalidInput", []string{"SAMPLECOUNT()"}},
		{"CreateMetricAttribution", metricAttribution(of("a")+","+of("a"), "s3://a/b/"), "ResourceAlreadyExists", []string{"named a"}},
	})
	const arn = `"metricAttributionArn": "~metric-attribution/m"`
	r.same(r.ok("CreateMetricAttribution", metricAttribution(of("a")+","+of("b")+","+sum("Interactions.TIMESTAMP"), "s3://a/b/")), "~metric-attribution/m", "metricAttributionArn")
	second := strings.Replace(metricAttribution(of("a"), "s3://a/b/"), `"m"`, `"second"`, 1)
	r.refused("CreateMetricAttribution", second, "ResourceAlreadyExists", "~metric-attribution/m", "one metric attribution")
	r.refused("DeleteDatasetGroup", `{"datasetGroupArn": "~dataset-group/shop"}`, "ResourceInUse", "~metric-attribution/m")
	d := r.ok("DescribeMetricAttribution", `{`+arn+`}`)["metricAttribution"]
	r.same(d, "ACTIVE", "status")
	r.same(d, "s3://a/b/", "metricsOutputConfig", "s3DataDestination", "path")
	if list := r.ok("ListMetricAttributions", `{"datasetGroupArn": "~dataset-group/shop"}`)["metricAttributions"].([]any); len(list) != 1 {
		t.Errorf("%d are listed", len(list))
	}
	page := r.ok("ListMetricAttributionMetrics", `{`+arn+`, "maxResults": 2}`)
	r.same(page["metrics"].([]any)[1], "b", "metricName")
	page = r.ok("ListMetricAttributionMetrics", fmt.Sprintf(`{%s, "maxResults": 2, "nextToken": %q}`, arn, page["nextToken"]))
	r.same(page["metrics"].([]any)[0], "SUM(Interactions.TIMESTAMP)", "expression")
	r.same(page, nil, "nextToken")

	update := func(more string) string { return `{` + arn + `, ` + more + `}` }
	r.refused("UpdateMetricAttribution", `{`+arn+`}`, "InvalidInput", "Nothing is given")
	r.refused("UpdateMetricAttribution", update(`"removeMetrics": ["none"]`), "InvalidInput", `"none"`)
	r.refused("UpdateMetricAttribution", update(`"removeMetrics": ["a", "b", "x"]`), "InvalidInput", "no metric would be left")
	r.refused("UpdateMetricAttribution", update(`"addMetrics": [`+of("b")+`]`), "ResourceAlreadyExists", "b")
	many := of("m0")
	for i := 1; i < 8; i++ {
		many += "," + of(fmt.Sprint("m", i))
	}
	r.refused("UpdateMetricAttribution", update(`"addMetrics": [`+many+`]`), "InvalidInput", "11 metrics")
	r.ok("UpdateMetricAttribution", update(`"removeMetrics": ["a"], "addMetrics": [`+of("c")+`], "metricsOutputConfig": {"roleArn": "arn:aws:iam::123456789012:role/q"}`))
	r.same(r.ok("ListMetricAttributionMetrics", `{`+arn+`}`)["metrics"].([]any)[2], "c", "metricName")
	r.same(r.ok("DescribeMetricAttribution", `{`+arn+`}`), nil, "metricAttribution", "metricsOutputConfig", "s3DataDestination")

	imports := `{"jobName": "j", "datasetArn": "~dataset/shop/INTERACTIONS", "dataSource": {"dataLocation": "s3://a/b"}, "publishAttributionMetricsToS3": true}`
	r.refused("CreateDatasetImportJob", imports, "InvalidInput", "metric attribution with an s3DataDestination")
	r.ok("UpdateMetricAttribution", update(`"metricsOutputConfig": {"roleArn": "arn:aws:iam::123456789012:role/q", "s3DataDestination": {"path": "s3://c/d"}}`))
	r.ok("CreateDatasetImportJob", imports)
	r.same(r.ok("DescribeDatasetImportJob", `{"datasetImportJobArn": "~dataset-import-job/j"}`), true, "datasetImportJob", "publishAttributionMetricsToS3")
	r.ok("DeleteMetricAttribution", `{`+arn+`}`)
	r.refused("DescribeMetricAttribution", `{`+arn+`}`, "ResourceNotFound", "~metric-attribution/m")
	r.ok("CreateMetricAttribution", metricAttribution(of("a"), "s3://a/b/"))
}
