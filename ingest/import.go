package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"usher/blob"
	"usher/catalog"
	"usher/dataset"
	"usher/eventlog"
	"usher/job"
	"usher/store"
)

// Importer gives the worker for jobs of kind ImportJob.
func (g *Ingest) Importer() job.Worker { return importer{g} }

type importer struct{ *Ingest }

// work is what an import needs to know.
type work struct {
	job     *catalog.ImportJob
	dataset *catalog.Dataset
	group   *catalog.DatasetGroup
	schema  *dataset.Schema
}

// Run implements job.Worker.
func (g importer) Run(ctx context.Context, t *job.Task) error {
	w, err := g.begin(ctx, t)
	if notFound(err) { // deleted with its group: nothing is left to do
		return t.Finish(ctx, func(*store.Tx) error { return nil })
	}
	if err != nil {
		return err
	}
	prefix := fmt.Sprintf("parts/%s/%s-", w.group.ID, w.job.ID)
	if err := g.eraseBlobs(ctx, prefix); err != nil { // of attempts that did not come to their end
		return err
	}
	name := fmt.Sprintf("%s%d.parquet", prefix, t.Attempt)
	report, err := g.read(ctx, t, w, name)
	if err == nil && w.job.DryRun {
		err = invalid("%s %s", dryRun, good(report))
	}
	if err != nil {
		if reason, ok := customers(err); ok {
			return t.Finish(ctx, func(tx *store.Tx) error { return refuse(tx, t.Key, reason, report) })
		}
		return err
	}
	err = t.Finish(ctx, func(tx *store.Tx) error { return g.commit(tx, w, name, report) })
	if err != nil { // the part was not committed: nobody knows of it
		return errors.Join(err, g.opt.Blobs.Delete(context.WithoutCancel(ctx), name))
	}
	g.opt.Log.Info("import finished", "import", t.Key, "rows", report.Rows, "bad", report.BadRows)
	return nil
}

// Abandon implements job.Worker.
func (g importer) Abandon(tx *store.Tx, key string, _ json.RawMessage, cause error) error {
	err := catalog.Fail[catalog.ImportJob](tx, key, "The import was given up: "+cause.Error())
	if notFound(err) {
		return nil
	}
	return err
}

// begin reads the records and marks the import as running.
func (g importer) begin(ctx context.Context, t *job.Task) (w work, err error) {
	err = t.Update(ctx, func(tx *store.Tx) (err error) {
		if w.job, err = catalog.Get[catalog.ImportJob](tx, t.Key); err != nil {
			return err
		}
		if w.dataset, err = catalog.Get[catalog.Dataset](tx, w.job.Parent); err != nil {
			return err
		}
		if w.group, err = catalog.Get[catalog.DatasetGroup](tx, w.dataset.Group); err != nil {
			return err
		}
		s, err := catalog.Get[catalog.Schema](tx, w.dataset.Parent)
		if err != nil {
			return err
		}
		if w.schema, err = dataset.ParseSchema(s.Text, s.Domain); err != nil {
			return job.Permanent(err)
		}
		w.job.Status = catalog.InProgress
		return catalog.Update(tx, w.job)
	})
	return w, err
}

// read turns the customer's files into the part of that name; of a dry run it only
// judges them. The report is good also when the files are refused.
func (g importer) read(ctx context.Context, t *job.Task, w work, name string) (*dataset.Report, error) {
	report := &dataset.Report{}
	files, closeAll, err := g.open(ctx, w.job.Location, name)
	if err != nil {
		return report, err
	}
	defer closeAll()
	p := &progress{task: t}
	opt := dataset.ImportOptions{
		Workers: g.opt.Workers, Now: g.now().Unix(), Progress: p.read, Written: p.written,
		MaxBad: w.job.MaxBadRows, Report: report,
	}
	if w.schema.Type == dataset.Interactions {
		opt.MinRows = g.opt.MinRows
	}
	if w.job.DryRun {
		return dataset.Check(ctx, files, w.schema, opt)
	}
	out, err := g.opt.Blobs.Create(ctx, name)
	if err != nil {
		return report, err
	}
	defer out.Abort()
	if _, err := dataset.Import(ctx, files, w.schema, out, opt); err != nil {
		return report, err
	}
	return report, out.Commit()
}

// commit makes the part visible and the import ACTIVE.
func (g importer) commit(tx *store.Tx, w work, name string, report *dataset.Report) error {
	if _, err := catalog.Get[catalog.Dataset](tx, w.dataset.ARN); err != nil {
		return err
	}
	j, err := catalog.Get[catalog.ImportJob](tx, w.job.ARN)
	if err != nil {
		return err
	}
	c := dataset.Change{Part: &dataset.PartCommitted{
		Type: w.schema.Type, Blob: name, Replace: j.Mode != "INCREMENTAL", Rows: report.Rows,
	}}
	b, err := c.Append(nil)
	if err != nil {
		return err
	}
	if _, err := g.opt.Logs.Log(w.group.ID).AppendTx(tx, eventlog.Record{Data: b}); err != nil {
		return err
	}
	before, err := catalog.Count(tx, catalog.KindImportJob, catalog.Query{Parent: w.dataset.ARN}, catalog.Active)
	if err != nil {
		return err
	}
	if c.Part.Replace && before > 0 {
		if err := enqueueShrink(tx, w.group.ID); err != nil {
			return err
		}
	}
	j.Status, j.Report = catalog.Active, reported(report)
	return catalog.Update(tx, j)
}

// customers says whether the customer can mend the error, and the text for it.
func customers(err error) (string, bool) {
	var bad *dataset.ImportError
	var inv *Invalid
	switch {
	case errors.As(err, &bad):
		return bad.Error(), true
	case errors.As(err, &inv):
		return inv.Msg, true
	}
	return "", false
}

// open finds the files of a location: one object, or all CSV objects of a folder.
// What is in gzip files is put beside the part of that name until closeAll.
func (g importer) open(ctx context.Context, location, part string) (files []dataset.File, closeAll func(), err error) {
	path, ok := strings.CutPrefix(location, "s3://")
	bucket, key, _ := strings.Cut(path, "/")
	if !ok || bucket == "" {
		return nil, nil, invalid("Invalid Data location. %q is not of the form s3://bucket/key or s3://bucket/folder/.", location)
	}
	var opened []blob.Reader
	closeAll = func() {
		for _, r := range opened {
			if err := r.Close(); err != nil { // the next attempt deletes what is left
				g.opt.Log.Warn("close a file of an import", "location", location, "error", err)
			}
		}
	}
	add := func(name string) error {
		r, err := g.opt.Buckets.Open(ctx, name)
		if errors.Is(err, fs.ErrInvalid) {
			return invalid("Invalid Data location. %q cannot be the name of an object: %v", location, err)
		}
		if err != nil {
			return err
		}
		opened = append(opened, r)
		zip, err := gzipped(r)
		if err != nil {
			return err
		}
		if zip {
			if r, err = g.unzip(ctx, r, "s3://"+name, fmt.Sprintf("%s.plain-%d", part, len(files))); err != nil {
				return err
			}
			opened = append(opened, r)
		}
		files = append(files, dataset.File{Name: "s3://" + name, R: r, Size: r.Size()})
		return nil
	}
	if key != "" && !strings.HasSuffix(key, "/") {
		err := add(path)
		if err == nil {
			return files, closeAll, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			closeAll()
			return nil, nil, err
		}
	}
	names, err := g.folder(ctx, strings.TrimSuffix(path, "/")+"/")
	if err != nil {
		return nil, nil, err
	}
	if len(names) == 0 {
		return nil, nil, invalid("Invalid Data location. There is no object %s and no CSV file in a folder of that name. Upload the file first, for example: aws s3 cp FILE.csv %s", location, location)
	}
	for _, name := range names {
		if err := add(name); err != nil {
			closeAll()
			return nil, nil, err
		}
	}
	return files, closeAll, nil
}

// dataFiles are the ends of the names of files that are imported from a folder.
var dataFiles = []string{".csv", ".csv.gz", ".parquet"}

// folder lists the objects directly below a prefix that end as data files do; where
// none does, all of them that have bytes. Names that begin with a point or a line are
// the tools' that wrote the folder (_SUCCESS, .part.csv.crc) and no data.
func (g importer) folder(ctx context.Context, prefix string) ([]string, error) {
	var csv, all []string
	for info, err := range g.opt.Buckets.List(ctx, prefix) {
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, err
		}
		rest := strings.TrimPrefix(info.Name, prefix)
		if rest == "" || strings.ContainsAny(rest[:1], "._") || strings.Contains(rest, "/") || info.Size == 0 {
			continue
		}
		all = append(all, info.Name)
		lower := strings.ToLower(rest)
		if slices.ContainsFunc(dataFiles, func(end string) bool { return strings.HasSuffix(lower, end) }) {
			csv = append(csv, info.Name)
		}
	}
	if len(csv) > 0 {
		return csv, nil
	}
	return all, nil
}
