package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"usher/client"
	"usher/dataset"
)

// importCommand is the flags of usher import.
type importCommand struct {
	propose bool
	check   string // file of a schema
	dataset string // ARN, or group/TYPE
	job     client.Import
	server  client.Options
	kind    string
	domain  string
	maxBad  int64
	json    bool
}

// importFiles takes a person's own files into a dataset of a server, or looks at them
// before: what schema fits them, and what an import job would say.
func importFiles(ctx context.Context, io stdio, args []string) error {
	c := importCommand{server: client.Options{Now: time.Now, Out: io.out}}
	fs := flag.NewFlagSet("usher import", flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprintf(fs.Output(), "usher import -dataset shop/INTERACTIONS file.csv …\n    uploads files and imports them into a dataset of a server\n"+
			"usher import -propose file.csv\n    prints a schema for the file, and what to mend in it; needs no server\n"+
			"usher import -check schema.json file.csv …\n    says what an import job would say, and imports nothing; needs no server\n\n"+
			"Keys are taken from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.\n\n")
		fs.PrintDefaults()
	}
	fs.BoolVar(&c.propose, "propose", false, "print a schema for a file")
	fs.StringVar(&c.check, "check", "", "judge files by the schema in this `file`")
	fs.StringVar(&c.kind, "type", "", "`type` of the dataset, with -propose: interactions, items, users, actions or action_interactions; found out by the ids when absent")
	fs.StringVar(&c.domain, "domain", "", "`domain` of the schema, with -check: ECOMMERCE or VIDEO_ON_DEMAND")
	fs.Int64Var(&c.maxBad, "max-bad-rows", 0, "so many bad rows may be left out")
	fs.BoolVar(&c.json, "json", false, "print JSON")
	c.serverFlags(fs)
	if err := parse(fs, io.err, args); err != nil {
		return err
	}
	ways := 0
	for _, on := range []bool{c.propose, c.check != "", c.dataset != ""} {
		if on {
			ways++
		}
	}
	if ways != 1 || fs.NArg() == 0 || c.propose && fs.NArg() > 1 {
		fs.Usage()
		return errUsage
	}
	files, closeAll, err := openFiles(fs.Args())
	if err != nil {
		return err
	}
	switch {
	case c.propose:
		err = c.proposeSchema(io, files[0])
	case c.check != "":
		err = c.checkFiles(ctx, io, files)
	default:
		c.job.Dataset, c.job.Files, c.job.MaxBadRows = c.dataset, files, c.maxBad
		err = c.job.Run(ctx, c.server)
	}
	return errors.Join(err, closeAll())
}

// serverFlags binds what only an import into a server needs.
func (c *importCommand) serverFlags(fs *flag.FlagSet) {
	fs.StringVar(&c.dataset, "dataset", "", "import into this `dataset`: its ARN, or group/TYPE")
	fs.StringVar(&c.server.Endpoint, "endpoint", cmp.Or(os.Getenv("AWS_ENDPOINT_URL"), "http://127.0.0.1:8480"), "address of the `server`")
	fs.StringVar(&c.server.Region, "region", cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), "us-east-1"), "`region` of the server")
	fs.StringVar(&c.job.Bucket, "bucket", "usher-imports", "`bucket` that the files are put into")
	fs.StringVar(&c.job.Name, "name", time.Now().UTC().Format("import-20060102-150405"), "`name` of the import job")
	fs.StringVar(&c.job.Mode, "mode", "FULL", "FULL replaces what was imported before, INCREMENTAL adds to it")
	fs.BoolVar(&c.job.DryRun, "dry-run", false, "have the server judge the files, and import nothing")
	c.server.AccessKey, c.server.Secret, c.server.SessionToken = os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")
}

// openFiles opens files for reading.
func openFiles(names []string) (files []dataset.File, closeAll func() error, err error) {
	var opened []*os.File
	closeAll = func() error {
		var errs []error
		for _, f := range opened {
			errs = append(errs, f.Close())
		}
		return errors.Join(errs...)
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return nil, nil, errors.Join(err, closeAll())
		}
		opened = append(opened, f)
		info, err := f.Stat()
		if err != nil {
			return nil, nil, errors.Join(err, closeAll())
		}
		files = append(files, dataset.File{Name: name, R: f, Size: info.Size()})
	}
	return files, closeAll, nil
}

func (c *importCommand) proposeSchema(io stdio, file dataset.File) error {
	p, err := dataset.Propose(file, dataset.Type(strings.ToUpper(c.kind)))
	if err != nil {
		return err
	}
	if c.json {
		return writeJSON(io, p)
	}
	if _, err := fmt.Fprint(io.out, p.Schema); err != nil {
		return err
	}
	fmt.Fprintf(io.err, "This is a schema for a dataset of type %s.\n", p.Type)
	for _, r := range p.Remarks {
		fmt.Fprintf(io.err, "- %s\n", r)
	}
	return nil
}

func (c *importCommand) checkFiles(ctx context.Context, io stdio, files []dataset.File) error {
	text, err := os.ReadFile(c.check)
	if err != nil {
		return err
	}
	s, err := dataset.ParseSchema(string(text), c.domain)
	if err != nil {
		return err
	}
	report, err := dataset.Check(ctx, files, s, dataset.ImportOptions{MaxBad: c.maxBad})
	var refused *dataset.ImportError
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	if c.json {
		return errors.Join(writeJSON(io, report), err)
	}
	for _, bad := range report.Bad {
		fmt.Fprintln(io.out, bad.Error())
	}
	if more := report.BadValues - int64(len(report.Bad)); more > 0 {
		fmt.Fprintf(io.out, "… and %d more\n", more)
	}
	fmt.Fprintf(io.out, "%d rows are good, %d are bad\n", report.Rows, report.BadRows)
	if refused != nil && report.BadRows > 0 { // what is bad is said above
		return fmt.Errorf("an import would be refused")
	}
	return err
}

func writeJSON(io stdio, v any) error {
	e := json.NewEncoder(io.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
