package ingest

import (
	"bytes"
	"testing"

	"github.com/parquet-go/parquet-go"

	"usher/catalog"
	"usher/dataset"
)

// TestImportOfParquet takes a folder of a Parquet file beside a CSV.
func TestImportOfParquet(t *testing.T) {
	type row struct {
		User    string   `parquet:"USER_ID"`
		Item    string   `parquet:"ITEM_ID"`
		Time    int64    `parquet:"TIMESTAMP"`
		Type    string   `parquet:"EVENT_TYPE"`
		Value   *float64 `parquet:"EVENT_VALUE,optional"`
		Device  *string  `parquet:"DEVICE,optional"`
		Ratings *int32   `parquet:"NUM_RATINGS,optional"`
	}
	var b bytes.Buffer
	if err := parquet.Write(&b, []row{{User: "u1", Item: "i1", Time: 5, Type: "view"}, {User: "u2", Item: "i1", Time: 7, Type: "view"}}); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.Put("b/all/1.parquet", b.String())
	w.Put("b/all/2.csv", csv("u1,i2,4,view\n"))
	w.Put("b/all/readme", "not data")
	j := w.imported(dataset.Interactions, "s3://b/all/")
	if got := w.words(); j.Status != catalog.Active || got != "u1: i2@4 i1@5\nu2: i1@7\n" {
		t.Errorf("%s %q:\n%s", j.Status, j.FailureReason, got)
	}
	w.Put("b/cut.parquet", b.String()[:b.Len()-9])
	if j := w.imported(dataset.Interactions, "s3://b/cut.parquet"); j.Status != catalog.Failed || j.FailureReason == "" {
		t.Errorf("half a file: %s %q", j.Status, j.FailureReason)
	}
}
