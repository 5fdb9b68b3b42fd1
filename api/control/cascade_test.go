package control

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"usher/catalog"
	"usher/store"
	"usher/wire"
)

// cascade deletes a dataset group with the header x-usher-cascade.
func (r *rig) cascade(group, header string) string {
	r.Helper()
	req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"datasetGroupArn": "`+prefix+`dataset-group/`+group+`"}`))
	req.Header.Set("X-Amz-Target", "AmazonPersonalize.DeleteDatasetGroup")
	req.Header.Set("x-usher-cascade", header)
	w := httptest.NewRecorder()
	r.mux.ServeHTTP(w, wire.WithExtensionHeaders(req))
	return strings.ReplaceAll(w.Body.String(), prefix, "~")
}

// preview asks what a cascade would do, as ARNs without their beginning.
func (r *rig) preview(group string) *Deletion {
	r.Helper()
	d, err := New(r.opt).PreviewDeletion(r.Context(), group)
	if err != nil {
		r.Fatal(err)
	}
	for _, list := range [][]string{d.Deletes, d.BlockedBy} {
		for i := range list {
			list[i] = strings.TrimPrefix(list[i], prefix)
		}
	}
	return d
}

// TestCascade deletes a group with one of everything, as the preview says, and
// leaves another group alone.
func TestCascade(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	r.group("other", interactionsText)
	tracker := r.ok("CreateEventTracker", `{"name": "t", "datasetGroupArn": "~dataset-group/shop"}`)["eventTrackerArn"].(string)
	r.ok("CreateFilter", `{"name": "f", "datasetGroupArn": "~dataset-group/shop", "filterExpression": "EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN (\"a\")"}`)
	r.ok("CreateDatasetImportJob", `{"jobName": "j", "datasetArn": "~dataset/shop/INTERACTIONS", "dataSource": {"dataLocation": "s3://a/b"}}`)
	r.setStatus("~dataset-import-job/j", catalog.Failed)
	v := r.version(r.solution("s", "aws-sims"), catalog.InProgress)
	r.campaign("c", r.version("~solution/s", catalog.Active), catalog.Active)

	before := r.preview("shop")
	if want := []string{strings.TrimPrefix(v, "~")}; !slices.Equal(before.BlockedBy, want) {
		t.Errorf("blocked by %v, want %v", before.BlockedBy, want)
	}
	for header, want := range map[string]string{"true": "ResourceInUseException", "": "ResourceInUseException", "false": "ResourceInUseException", "yes": "InvalidInputException"} {
		if got := r.cascade("shop", header); !strings.Contains(got, want) {
			t.Errorf("x-usher-cascade %q: %s, want %s", header, got, want)
		}
	}
	if got := r.cascade("shop", "true"); !strings.Contains(got, v) {
		t.Errorf("%s does not name %s, which is being trained", got, v)
	}
	if after := r.preview("shop"); !slices.Equal(after.Deletes, before.Deletes) {
		t.Errorf("what was refused has deleted: %v, before %v", after.Deletes, before.Deletes)
	}

	r.setStatus(v, catalog.Failed)
	d := r.preview("shop")
	want := []string{"dataset-import-job/j", "campaign/c", "filter/f", strings.TrimPrefix(tracker, "~"), "solution/s", "dataset/shop/INTERACTIONS", "dataset-group/shop"}
	if got := slices.DeleteFunc(slices.Clone(d.Deletes), func(arn string) bool { return strings.HasPrefix(arn, "solution/s/") }); !slices.Equal(got, want) || len(d.BlockedBy) > 0 {
		t.Errorf("preview %+v, want %v", d, want)
	}
	if got := r.cascade("shop", "true"); got != "" {
		t.Fatal(got)
	}
	r.View(func(tx *store.Tx) error {
		for _, arn := range d.Deletes {
			if taken, err := takenARN(tx, prefix+arn); taken || err != nil {
				t.Errorf("%s is left: %v", arn, err)
			}
		}
		return nil
	})
	r.ok("DescribeDataset", `{"datasetArn": "~dataset/other/INTERACTIONS"}`)
	r.ok("DescribeSchema", `{"schemaArn": "~schema/shop-interactions"}`)
	if got := r.cascade("shop", "true"); !strings.Contains(got, "ResourceNotFoundException") {
		t.Errorf("a second time: %s", got)
	}
	if _, err := New(r.opt).PreviewDeletion(t.Context(), "shop"); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("preview of nothing: %v", err)
	}
}
