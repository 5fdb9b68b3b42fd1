package control

import (
	"strings"
	"testing"

	"usher/catalog"
	"usher/dataset"
	"usher/eventlog"
	"usher/job"
	"usher/retention"
	"usher/store"
)

func TestDeletionJob(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Quotas.AWS = true })
	r.group("shop", interactionsText)
	const arn = `{"dataDeletionJobArn": "~data-deletion-job/d1"}`
	create := func(name string) string {
		return `{"jobName": "` + name + `", "datasetGroupArn": "~dataset-group/shop", "dataSource": {"dataLocation": "s3://in/users/"}, "roleArn": "arn:aws:iam::000000000000:role/x", "tags": [{"tagKey": "a", "tagValue": "b"}]}`
	}
	r.same(r.ok("CreateDataDeletionJob", create("d1")), "~data-deletion-job/d1", "dataDeletionJobArn")
	d := r.ok("DescribeDataDeletionJob", arn)["dataDeletionJob"]
	for path, want := range map[string]any{"jobName": "d1", "datasetGroupArn": "~dataset-group/shop", "status": "PENDING",
		"roleArn": "arn:aws:iam::000000000000:role/x", "failureReason": nil, "numDeleted": nil} {
		r.same(d, want, path)
	}
	r.same(d, "s3://in/users/", "dataSource", "dataLocation")
	r.ok("ListTagsForResource", `{"resourceArn": "~data-deletion-job/d1"}`)
	r.refused("CreateDataDeletionJob", create("d1"), "ResourceAlreadyExists", "~data-deletion-job/d1")
	for _, name := range []string{"d2", "d3", "d4", "d5"} {
		r.ok("CreateDataDeletionJob", create(name))
	}
	r.refused("CreateDataDeletionJob", create("d6"), "LimitExceeded", "More than 5 resources")
	r.refused("DeleteDatasetGroup", `{"datasetGroupArn": "~dataset-group/shop"}`, "ResourceInUse", "~data-deletion-job/d")

	for _, s := range []catalog.Status{catalog.DeletionInProgress, catalog.DeletionCompleted} {
		r.change("data-deletion-job/d1", func(j *catalog.DeletionJob) { j.Status, j.Deleted = s, 12 })
	}
	r.change("data-deletion-job/d2", func(j *catalog.DeletionJob) { j.Fail("no bucket") })
	d = r.ok("DescribeDataDeletionJob", arn)["dataDeletionJob"]
	r.same(d, "COMPLETED", "status")
	r.same(d, 12.0, "numDeleted")
	list := r.ok("ListDataDeletionJobs", `{"datasetGroupArn": "~dataset-group/shop"}`)["dataDeletionJobs"].([]any)
	if len(list) != 5 {
		t.Fatalf("%d deletions are listed", len(list))
	}
	r.same(list[0], "d5", "jobName") // the newest first
	r.same(list[3], "no bucket", "failureReason")
}

// change changes the record of a deletion.
func (r *rig) change(name string, to func(j *catalog.DeletionJob)) {
	r.Helper()
	r.Update(func(tx *store.Tx) error {
		j, err := catalog.Get[catalog.DeletionJob](tx, prefix+name)
		if err != nil {
			return err
		}
		to(j)
		return catalog.Update(tx, j)
	})
}

// TestDeleteUsers: users that a call names are forgotten by its transaction.
func TestDeleteUsers(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	a := New(r.opt)
	for want, call := range map[string]func() error{
		"0 members":      func() error { _, err := a.DeleteUsers(t.Context(), "shop", "j", nil); return err },
		"users.2.member": func() error { _, err := a.DeleteUsers(t.Context(), "shop", "j", []string{"u", ""}); return err },
		"jobName":        func() error { _, err := a.DeleteUsers(t.Context(), "shop", "j j", []string{"u"}); return err },
		"does not exist": func() error { _, err := a.DeleteUsers(t.Context(), "none", "j", []string{"u"}); return err },
		"is there none":  func() error { _, err := a.DescribeDeletion(t.Context(), "none"); return err },
	} {
		if err := call(); err == nil || want != "is there none" && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := a.DeleteUsers(t.Context(), "shop", "j", []string{"u1", "u2"}); err != nil {
		t.Fatal(err)
	}
	d, err := a.DescribeDeletion(t.Context(), "j")
	if err != nil || d.Status != catalog.DeletionPending || d.Report.Users != 2 {
		t.Errorf("%+v, %v", d, err)
	}
	if c := r.lastChange("shop"); c.Forgotten == nil || strings.Join(c.Forgotten.Users, " ") != "u1 u2" {
		t.Errorf("the log ends with %+v", c)
	}
}

// TestDeleteItems: items that a call names are forgotten by its transaction.
func TestDeleteItems(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	a := New(r.opt)
	many := make([]string, deletedMost+1)
	for want, call := range map[string]func() error{
		"0 members":        func() error { _, err := a.DeleteItems(t.Context(), "shop", "j", nil); return err },
		"1001 members":     func() error { _, err := a.DeleteItems(t.Context(), "shop", "j", many); return err },
		"itemIds.1.member": func() error { _, err := a.DeleteItems(t.Context(), "shop", "j", []string{""}); return err },
		"jobName":          func() error { _, err := a.DeleteItems(t.Context(), "shop", "", []string{"i"}); return err },
		"does not exist":   func() error { _, err := a.DeleteItems(t.Context(), "none", "j", []string{"i"}); return err },
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := a.DeleteItems(t.Context(), "shop", "j", []string{"i1", "i2"}); err != nil {
		t.Fatal(err)
	}
	d, err := a.DescribeDeletion(t.Context(), "j")
	if err != nil || d.Status != catalog.DeletionPending || d.Report.Items != 2 {
		t.Errorf("%+v, %v", d, err)
	}
	if c := r.lastChange("shop"); c.Forgotten == nil || strings.Join(c.Forgotten.Items, " ") != "i1 i2" {
		t.Errorf("the log ends with %+v", c)
	}
}

// lastChange gives the last change in the log of a group whose data is being
// erased.
func (r *rig) lastChange(group string) *dataset.Change {
	r.Helper()
	var id string
	r.View(func(tx *store.Tx) error {
		g, err := catalog.Get[catalog.DatasetGroup](tx, prefix+"dataset-group/"+group)
		if err != nil {
			return err
		}
		id = g.ID
		_, ok, err := job.Find(tx, retention.Job, id)
		if !ok {
			r.Error("nobody erases what was forgotten")
		}
		return err
	})
	var last eventlog.Record
	for rec, err := range r.opt.Logs.Log(id).Read(r.Context(), 0) {
		if err != nil {
			r.Fatal(err)
		}
		last = rec
	}
	c, err := dataset.ParseChange(last.Data)
	if err != nil {
		r.Fatal(err)
	}
	return c
}
