// Package client does for people at a terminal, through the public APIs alone, what
// otherwise takes several calls: files go into a bucket, an import job reads them, and
// a line tells how far it is.
//
// It knows nothing that another program could not know; what calls mean is the
// server's.
package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"usher/blob/s3"
	"usher/dataset"
	"usher/wire"
	"usher/wire/personalize"
)

// Options say which server is called and as whom.
type Options struct {
	Endpoint     string // http://127.0.0.1:8480
	Region       string // of signatures; us-east-1
	AccessKey    string // "": calls are not signed
	Secret       string
	SessionToken string
	Now          func() time.Time // of signatures
	Out          io.Writer        // what people read
	Pause        time.Duration    // between two looks at a job; half a second
}

// Import is files that go into a dataset.
type Import struct {
	Dataset    string // its ARN, or group/TYPE
	Files      []dataset.File
	Bucket     string // where they are put; made if need be
	Name       string // of the job, and of the files' folder
	Mode       string // FULL or INCREMENTAL
	MaxBadRows int64
	DryRun     bool
}

// Run uploads the files, starts the import job and returns when it has ended. A job
// that failed is an error, but for a dry run whose files are good.
func (i Import) Run(ctx context.Context, opt Options) error {
	if opt.Pause == 0 {
		opt.Pause = 500 * time.Millisecond
	}
	headers := http.Header{}
	if i.MaxBadRows > 0 {
		headers.Set("X-Usher-Max-Bad-Rows", strconv.FormatInt(i.MaxBadRows, 10))
	}
	if i.DryRun {
		headers.Set("X-Usher-Dry-Run", "true")
	}
	calls := wire.ClientOptions{Endpoint: opt.Endpoint, Region: opt.Region, AccessKey: opt.AccessKey, Secret: opt.Secret,
		SessionToken: opt.SessionToken, Now: opt.Now, HTTP: &http.Client{Transport: adding{headers}}}
	w := &walk{Import: i, opt: opt, admin: personalize.NewClient(calls), conn: wire.NewConn(calls)}
	arn, err := w.dataset(ctx)
	if err != nil {
		return err
	}
	location, err := w.upload(ctx)
	if err != nil {
		return err
	}
	_, err = w.admin.CreateDatasetImportJob(ctx, &personalize.CreateDatasetImportJobInput{
		JobName: &i.Name, DatasetArn: &arn, DataSource: &personalize.DataSource{DataLocation: &location}, ImportMode: personalize.ImportMode(i.Mode),
	})
	if err != nil {
		return err
	}
	return w.follow(ctx)
}

// adding sends headers of usher's own with each request; they need no signature.
type adding struct{ headers http.Header }

// RoundTrip implements http.RoundTripper.
func (a adding) RoundTrip(r *http.Request) (*http.Response, error) {
	if len(a.headers) > 0 {
		r = r.Clone(r.Context())
		for name, values := range a.headers {
			r.Header[name] = values
		}
	}
	return http.DefaultTransport.RoundTrip(r)
}

// walk is one run of an Import.
type walk struct {
	Import
	opt   Options
	admin *personalize.Client
	conn  *wire.Conn
}

func (w *walk) tell(format string, args ...any) { fmt.Fprintf(w.opt.Out, format, args...) }

// dataset gives the ARN of the dataset.
func (w *walk) dataset(ctx context.Context) (string, error) {
	if strings.HasPrefix(w.Dataset, "arn:") {
		return w.Dataset, nil
	}
	group, kind, ok := strings.Cut(w.Dataset, "/")
	if !ok {
		return "", fmt.Errorf("the dataset %q is neither an ARN nor of the form group/TYPE, for example shop/INTERACTIONS", w.Dataset)
	}
	end := ":dataset/" + group + "/" + strings.ToUpper(kind)
	in := &personalize.ListDatasetsInput{}
	for {
		out, err := w.admin.ListDatasets(ctx, in)
		if err != nil {
			return "", err
		}
		for _, d := range out.Datasets {
			if strings.HasSuffix(*d.DatasetArn, end) {
				return *d.DatasetArn, nil
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return "", fmt.Errorf("there is no dataset %q. Make it with CreateDataset; ListDatasets shows those there are", w.Dataset)
		}
	}
}

// upload puts the files into a folder of the bucket and gives its location.
func (w *walk) upload(ctx context.Context) (string, error) {
	o := w.opt
	bucket := s3.New(s3.Options{Endpoint: o.Endpoint, Region: o.Region, AccessKey: o.AccessKey, Secret: o.Secret, SessionToken: o.SessionToken, Now: o.Now})
	if err := bucket.MakeBucket(ctx, w.Bucket); err != nil {
		return "", err
	}
	for n, f := range w.Files {
		key := fmt.Sprintf("%s/%05d-%s", w.Name, n, path.Base(strings.ReplaceAll(f.Name, "\\", "/")))
		w.tell("uploading %s\n", f.Name)
		if err := bucket.Put(ctx, w.Bucket, key, io.NewSectionReader(f.R, 0, f.Size), f.Size); err != nil {
			return "", err
		}
	}
	return "s3://" + w.Bucket + "/" + w.Name + "/", nil
}

// job is what usher tells of an import job (docs/extensions.md).
type job struct {
	Status        string
	FailureReason string
	Progress      *struct {
		Done             float64
		RowsRead         int64
		BytesRead, Bytes int64
		SecondsLeft      float64
	}
	Report *struct {
		Rows, BadRows int64
		Bad           []struct {
			File   string
			Line   int64
			Column string
			Value  string
			Reason string
		}
	}
}

// follow tells how far the job is until it has ended.
func (w *walk) follow(ctx context.Context) error {
	tick := time.NewTicker(w.opt.Pause)
	defer tick.Stop()
	for {
		var j job
		if err := w.conn.Ask(ctx, "dataset-import-jobs/"+w.Name, &j); err != nil {
			return err
		}
		if j.Status == "ACTIVE" || j.Status == "CREATE FAILED" {
			return w.ended(&j)
		}
		if p := j.Progress; p != nil && p.Bytes > 0 {
			left := ""
			if p.SecondsLeft >= 0 {
				left = fmt.Sprintf(", about %.0f s left", p.SecondsLeft)
			}
			w.tell("%3.0f %%  %d rows, %.1f of %.1f MB%s\n", 100*p.Done, p.RowsRead, float64(p.BytesRead)/1e6, float64(p.Bytes)/1e6, left)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// ended tells what became of the job.
func (w *walk) ended(j *job) error {
	if r := j.Report; r != nil {
		for _, b := range r.Bad {
			place := ""
			if b.Column != "" {
				place = fmt.Sprintf(", column %s, value %s", b.Column, b.Value)
			}
			w.tell("%s, line %d%s: %s\n", b.File, b.Line, place, b.Reason)
		}
		w.tell("%d rows are good, %d are bad\n", r.Rows, r.BadRows)
	}
	switch {
	case j.Status == "ACTIVE":
		w.tell("imported into %s\n", w.Dataset)
		return nil
	case w.DryRun && strings.Contains(j.FailureReason, "can be imported"):
		w.tell("%s\n", j.FailureReason)
		return nil
	}
	return errors.New(j.FailureReason)
}
