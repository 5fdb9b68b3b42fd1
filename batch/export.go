package batch

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"strings"

	"usher/blob"
	"usher/catalog"
	"usher/dataset"
	"usher/eventlog"
	"usher/job"
	"usher/store"
)

// ExportJob is the kind of the job that carries out a dataset export.
const ExportJob job.Kind = "export"

// EnqueueExport starts the export whose record (CREATE PENDING) is in the same transaction.
func EnqueueExport(tx *store.Tx, exportARN string) error {
	return job.Enqueue(tx, ExportJob, exportARN, nil)
}

// Exporter gives the worker for jobs of kind ExportJob.
func (b *Batch) Exporter() job.Worker { return exporter{b} }

type exporter struct{ *Batch }

// exportState is the checkpoint of an export.
type exportState struct {
	Offset eventlog.Offset // the dataset as of here is exported; 0: not settled
	Files  uint64          // so many are done
}

// export is one run of an export.
type export struct {
	job     *catalog.ExportJob
	dataset *catalog.Dataset
	group   *catalog.DatasetGroup

	mode    mode
	state   exportState
	content *content
	folder  string // bucket/folder/job/
	seeds   [2]maphash.Seed
}

// Run implements job.Worker.
func (e exporter) Run(ctx context.Context, t *job.Task) error {
	x, err := e.begin(ctx, t)
	if notFound(err) { // deleted with its dataset: nothing is left to do
		return t.Finish(ctx, func(*store.Tx) error { return nil })
	}
	if err != nil {
		return err
	}
	if err = e.write(ctx, t, x); err != nil {
		var c *customerError
		if errors.As(err, &c) {
			return t.Finish(ctx, func(tx *store.Tx) error { return catalog.Fail[catalog.ExportJob](tx, t.Key, c.msg) })
		}
		if errors.Is(err, errReplaced) { // the next attempt exports what is there then
			x.state = exportState{}
			return errors.Join(err, x.save(ctx, t))
		}
		return err
	}
	err = t.Finish(ctx, func(tx *store.Tx) error {
		j, err := catalog.Get[catalog.ExportJob](tx, t.Key)
		if err != nil {
			return err
		}
		j.Status = catalog.Active
		return catalog.Update(tx, j)
	})
	if err == nil {
		e.opt.Log.Info("export finished", "export", t.Key, "files", x.state.Files)
	}
	return err
}

// Abandon implements job.Worker. Files that are finished stay: they are whole.
func (e exporter) Abandon(tx *store.Tx, key string, _ json.RawMessage, cause error) error {
	err := catalog.Fail[catalog.ExportJob](tx, key, "The export was given up: "+cause.Error())
	if notFound(err) {
		return nil
	}
	return err
}

// begin reads the records, marks the export as running and settles, on the first
// attempt, what is exported.
func (e exporter) begin(ctx context.Context, t *job.Task) (*export, error) {
	x := &export{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
	err := t.Update(ctx, func(tx *store.Tx) (err error) {
		if x.job, err = catalog.Get[catalog.ExportJob](tx, t.Key); err != nil {
			return err
		}
		if x.dataset, err = catalog.Get[catalog.Dataset](tx, x.job.Parent); err != nil {
			return err
		}
		if x.group, err = catalog.Get[catalog.DatasetGroup](tx, x.dataset.Group); err != nil {
			return err
		}
		x.job.Status = catalog.InProgress
		return catalog.Update(tx, x.job)
	})
	if err != nil {
		return nil, err
	}
	x.mode = mode{bulk: x.job.Mode != "PUT", put: x.job.Mode != "BULK"}
	x.folder = strings.TrimPrefix(x.job.Output, "s3://")
	x.folder = strings.TrimSuffix(x.folder, "/") + "/" + x.job.Name + "/"
	log := e.opt.Logs(x.group.ID)
	if saved := t.Checkpoint(); saved != nil {
		if err := json.Unmarshal(saved, &x.state); err != nil {
			return nil, job.Permanent(fmt.Errorf("read checkpoint: %w", err))
		}
	}
	if x.state.Offset == 0 {
		if x.state.Offset, err = log.Last(ctx); err != nil {
			return nil, err
		}
		if err := x.save(ctx, t); err != nil {
			return nil, err
		}
	}
	x.content = &content{blobs: e.opt.Blobs, log: log, kind: dataset.Type(x.dataset.Type), offset: x.state.Offset}
	return x, x.content.load(ctx, x.mode)
}

func (x *export) save(ctx context.Context, t *job.Task) error {
	b, err := json.Marshal(x.state)
	if err != nil {
		return err
	}
	return t.Save(ctx, b)
}

// write makes the files that are not there yet.
func (e exporter) write(ctx context.Context, t *job.Task, x *export) error {
	files := max(1, uint64((x.content.rows+e.opt.fileRows-1)/e.opt.fileRows))
	for k := x.state.Files; k < files; k++ {
		if err := e.file(ctx, t, x, k, files); err != nil {
			return err
		}
		x.state.Files = k + 1
		if err := x.save(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// FileName is the name of an export's file in its folder, from 0 on.
func FileName(k uint64) string { return fmt.Sprintf("part-%05d.csv", k) }

// file writes file k of n.
func (e exporter) file(ctx context.Context, t *job.Task, x *export, k, n uint64) error {
	newest, err := x.newest(ctx, k, n)
	if err != nil {
		return err
	}
	out, err := e.create(ctx, x.folder+FileName(k))
	if err != nil {
		return err
	}
	defer out.Abort()
	w := bufio.NewWriterSize(out, 1<<20)
	s := x.content.schema
	line := s.AppendHeader(nil)
	if _, err := w.Write(line); err != nil {
		return err
	}
	seen := map[[2]uint64]struct{}{} // hashes of lines
	rows := 0
	total := float64(max(x.content.rows, 1)) * float64(n)
	err = x.content.records(ctx, x.mode, k, n, func(at place, key string, row dataset.Row) error {
		if rows++; rows%8192 == 0 {
			t.Progress(float64(k)/float64(n)+float64(rows)/total, fmt.Sprintf("file %d of %d, %d rows", k+1, n, rows))
		}
		if newest != nil && newest[key] != at {
			return nil
		}
		line = s.AppendCSV(line[:0], row)
		h := [2]uint64{maphash.Bytes(x.seeds[0], line), maphash.Bytes(x.seeds[1], line)}
		if _, repeated := seen[h]; repeated {
			return nil
		}
		seen[h] = struct{}{}
		_, err := w.Write(line)
		return err
	})
	if err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return out.Commit()
}

// newest gives, of items, users or actions, where the record is that counts; nil where
// repeated ids are exported too.
func (x *export) newest(ctx context.Context, k, n uint64) (map[string]place, error) {
	if x.content.kind.Events() || !x.mode.bulk || !x.mode.put {
		return nil, nil
	}
	newest := map[string]place{}
	err := x.content.records(ctx, x.mode, k, n, func(at place, key string, _ dataset.Row) error {
		if last, ok := newest[key]; !ok || last.less(at) {
			newest[strings.Clone(key)] = at
		}
		return nil
	})
	return newest, err
}

// create starts an object of the customer's bucket.
func (b *Batch) create(ctx context.Context, name string) (blob.Writer, error) {
	out, err := b.opt.Buckets.Create(ctx, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		bucket, _, _ := strings.Cut(name, "/")
		return nil, customer("Invalid S3 output path. There is no bucket %q. Create it first, for example: aws s3 mb s3://%[1]s", bucket)
	case errors.Is(err, fs.ErrInvalid):
		return nil, customer("Invalid S3 output path. %q cannot be the name of an object: %v", "s3://"+name, err)
	}
	return out, err
}
