package control

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"usher/catalog"
	"usher/store"
	"usher/wire"
)

// TestImportSwitches has headers of ours reach the import's record.
func TestImportSwitches(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	create := func(name string, headers ...string) string {
		body := `{"jobName": "` + name + `", "datasetArn": "` + prefix + `dataset/shop/INTERACTIONS", "dataSource": {"dataLocation": "s3://a/b"}}`
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		req.Header.Set("X-Amz-Target", "AmazonPersonalize.CreateDatasetImportJob")
		for i := 0; i < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		r.mux.ServeHTTP(w, wire.WithExtensionHeaders(req))
		return w.Body.String()
	}
	create("plain")
	create("lax", "x-usher-max-bad-rows", "20", "x-usher-dry-run", "true")
	for name, want := range map[string]ImportJob{"plain": {}, "lax": {MaxBadRows: 20, DryRun: true}} {
		got, err := New(r.opt).DescribeImport(t.Context(), name)
		if err != nil || got.MaxBadRows != want.MaxBadRows || got.DryRun != want.DryRun || got.Report != nil || got.Status != catalog.Pending && got.Status != catalog.InProgress {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for _, h := range [][]string{{"x-usher-max-bad-rows", "-1"}, {"x-usher-max-bad-rows", "many"}, {"x-usher-dry-run", "yes"}} {
		if got := create("wrong", h...); !strings.Contains(got, "InvalidInputException") || !strings.Contains(got, h[0]) {
			t.Errorf("%v: %s", h, got)
		}
	}
}

// TestDescribeImport shows what an import found.
func TestDescribeImport(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	r.ok("CreateDatasetImportJob", `{"jobName": "j", "datasetArn": "~dataset/shop/INTERACTIONS", "dataSource": {"dataLocation": "s3://a/b"}}`)
	r.Update(func(tx *store.Tx) error {
		j, err := catalog.Get[catalog.ImportJob](tx, prefix+"dataset-import-job/j")
		if err != nil {
			return err
		}
		j.Status = catalog.InProgress
		if err := catalog.Update(tx, j); err != nil {
			return err
		}
		j.Status, j.Report = catalog.Active, &catalog.ImportReport{Rows: 7, BadRows: 1, Bad: []catalog.BadValue{{Line: 3}}}
		return catalog.Update(tx, j)
	})
	got, err := New(r.opt).DescribeImport(t.Context(), "j")
	if err != nil || got.Report == nil || got.Report.Rows != 7 || got.Report.Bad[0].Line != 3 || got.DatasetImportJobARN != prefix+"dataset-import-job/j" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := New(r.opt).DescribeImport(t.Context(), "none"); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("an absent import: %v", err)
	}
}
