package worldtest

import (
	"fmt"
	"io"
	"strings"

	"usher/blob/blobtest"
	"usher/catalog"
	"usher/dataset"
	"usher/eventlog"
	"usher/history"
)

// Group is a dataset group of a world.
type Group struct {
	*World
	Record *catalog.DatasetGroup
	parts  int
}

// NewGroup makes an active dataset group without datasets.
func (w *World) NewGroup(arn string) *Group {
	w.Helper()
	g := &Group{World: w, Record: &catalog.DatasetGroup{Meta: catalog.Meta{ARN: arn, Status: catalog.Active}}}
	w.Create(g.Record)
	return g
}

// AddDataset makes an active dataset with a schema, in the catalog and in the log.
func (g *Group) AddDataset(d *catalog.Dataset, text string) {
	g.Helper()
	schema := &catalog.Schema{Meta: catalog.Meta{ARN: d.ARN + "/schema"}, Text: text}
	d.Group, d.Parent, d.Status = g.Record.ARN, schema.ARN, catalog.Active
	g.Create(schema, d)
	g.Append(dataset.Change{Schema: &dataset.SchemaSet{Type: dataset.Type(d.Type), Text: text}})
}

// Append writes changes into the log, together, and gives the last one's offset.
func (g *Group) Append(changes ...dataset.Change) eventlog.Offset {
	g.Helper()
	var recs []eventlog.Record
	for _, c := range changes {
		b, err := c.Append(nil)
		if err != nil {
			g.Fatal(err)
		}
		recs = append(recs, eventlog.Record{Data: b})
	}
	last, err := g.Logs.Log(g.Record.ID).Append(g.Context(), recs...)
	if err != nil {
		g.Fatal(err)
	}
	return last
}

// Part makes a part of a file of CSV and gives the change that commits it.
func (g *Group) Part(s *dataset.Schema, replace bool, csv string) dataset.Change {
	g.Helper()
	g.parts++
	c := &dataset.PartCommitted{Type: s.Type, Blob: fmt.Sprintf("parts/%s/%d.parquet", g.Record.ID, g.parts), Replace: replace}
	blobtest.Save(g, g.Blobs, c.Blob, func(w io.Writer) (err error) {
		file := dataset.File{Name: "f.csv", R: strings.NewReader(csv), Size: int64(len(csv))}
		c.Rows, err = dataset.Import(g.Context(), []dataset.File{file}, s, w, dataset.ImportOptions{Workers: 2})
		return err
	})
	return dataset.Change{Part: c}
}

// State gives the group as history has it.
func (g *Group) State() *history.Group {
	g.Helper()
	state, err := g.History.Group(g.Context(), g.Record.ID)
	if err != nil {
		g.Fatal(err)
	}
	return state
}

// Snapshot gives the group as it is at the end of its log.
func (g *Group) Snapshot() *dataset.Snapshot {
	g.Helper()
	s, err := g.State().Snapshot(g.Context())
	if err != nil {
		g.Fatal(err)
	}
	return s
}
