package evaluate

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"

	"usher/dataset"
)

// ReadFolder reads a dataset group from a folder: the CSV files in it, gzipped or
// not, and in folders of it. What a file holds is known by its columns: users
// and items make interactions, items alone are items, users alone users. Where
// there is a schema in Avro JSON for a type (.json, .avsc) its columns count;
// without one they are found in the files (columns.go).
func ReadFolder(ctx context.Context, dir fs.FS) (*dataset.Snapshot, error) {
	var g group
	err := fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			err = errors.Join(context.Cause(ctx), g.read(dir, name))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return g.snapshot(ctx)
}

// ReadFiles reads a dataset group from some files of a folder: schemas, and CSV
// files whatever their names end in.
func ReadFiles(ctx context.Context, dir fs.FS, names ...string) (*dataset.Snapshot, error) {
	var g group
	for _, name := range names {
		read := g.readTable
		if isSchema(name) {
			read = g.readSchema
		}
		if err := read(dir, name); err != nil {
			return nil, err
		}
	}
	return g.snapshot(ctx)
}

// group is the files of a dataset group.
type group struct {
	files   [3][]table // by kinds
	schemas [3]*dataset.Schema
}

// kinds are the types of data sets that are read.
var kinds = [3]dataset.Type{dataset.Interactions, dataset.Items, dataset.Users}

// read takes a file: a CSV, a schema, or anything else, which is left alone.
func (g *group) read(dir fs.FS, name string) error {
	switch {
	case strings.HasSuffix(plainName(name), ".csv"):
		return g.readTable(dir, name)
	case isSchema(name):
		return g.readSchema(dir, name)
	}
	return nil
}

// plainName is a file's name in small letters, without the end of a gzipped one.
func plainName(name string) string { return strings.TrimSuffix(strings.ToLower(name), ".gz") }

func isSchema(name string) bool {
	return slices.Contains([]string{".json", ".avsc"}, path.Ext(plainName(name)))
}

func (g *group) readTable(dir fs.FS, name string) error {
	text, err := content(dir, name)
	if err != nil {
		return err
	}
	return g.add(name, text)
}

// readSchema takes a schema; JSON of other things is left alone.
func (g *group) readSchema(dir fs.FS, name string) error {
	text, err := content(dir, name)
	if err != nil {
		return err
	}
	var what struct{ Type, Name string }
	if json.Unmarshal(text, &what) != nil || what.Type != "record" || !slices.ContainsFunc(kinds[:], func(k dataset.Type) bool { return strings.EqualFold(what.Name, string(k)) }) {
		return nil
	}
	s, err := dataset.ParseSchema(string(text), "")
	if err != nil {
		return fmt.Errorf("read the schema in %s: %w", name, err)
	}
	g.schemas[slices.Index(kinds[:], s.Type)] = s
	return nil
}

// content gives a file's bytes, of a gzipped one what is in it.
func content(dir fs.FS, name string) ([]byte, error) {
	text, err := fs.ReadFile(dir, name)
	if err != nil || !strings.HasSuffix(strings.ToLower(name), ".gz") && !bytes.HasPrefix(text, []byte("\x1f\x8b")) {
		return text, err
	}
	z, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if text, err = io.ReadAll(z); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return text, nil
}

// add takes a CSV file.
func (g *group) add(name string, text []byte) error {
	line, body, _ := bytes.Cut(bytes.TrimPrefix(text, []byte("\ufeff")), []byte("\n"))
	t := table{name: name, header: names(string(line)), body: body}
	kind, err := t.kind(string(bytes.TrimRight(line, "\r")))
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if other := g.files[kind]; len(other) > 0 && !sameColumns(other[0].header, t.header) {
		return fmt.Errorf("read %s: it has %s as %s has, with other columns: %q here, %q there; name the files that you mean on the command line",
			name, strings.ToLower(string(kinds[kind])), other[0].name, strings.Join(t.header, ","), strings.Join(other[0].header, ","))
	}
	g.files[kind] = append(g.files[kind], t)
	return nil
}

// snapshot imports the files and numbers users and items.
func (g *group) snapshot(ctx context.Context) (*dataset.Snapshot, error) {
	if len(g.files[0]) == 0 {
		return nil, errors.New("no CSV file has interactions: the columns USER_ID, ITEM_ID and TIMESTAMP")
	}
	users, items, types := dataset.NewDict(), dataset.NewDict(), dataset.NewDict()
	var events [][]dataset.Event
	var tables [3]*dataset.Table
	var contexts *dataset.Table
	var shownTo func() *dataset.Shown
	for k, kind := range kinds {
		if len(g.files[k]) == 0 {
			continue
		}
		s := g.schemas[k]
		if s == nil {
			s = columns(kind, g.files[k])
		}
		p, err := load(ctx, g.files[k], s)
		if err != nil {
			return nil, err
		}
		switch kind {
		case dataset.Interactions:
			shownTo = func() *dataset.Shown { return shown(p, s, users.Len(), items) }
			moments := dataset.NewContexts(s)
			events = interactions(p, moments, users, items, types)
			if moments != nil {
				contexts = moments.Table()
			}
		case dataset.Items:
			tables[k] = records(p, s, items)
		case dataset.Users:
			tables[k] = records(p, s, users)
		}
	}
	out := dataset.NewSnapshot(users.IDs(), items.IDs(), types.IDs(), events)
	out.ItemTable, out.UserTable, out.ContextTable = tables[1], tables[2], contexts
	out.Shown = shownTo()
	return once(out), nil
}

// load imports files as an import job does.
func load(ctx context.Context, files []table, s *dataset.Schema) (*dataset.Part, error) {
	var in []dataset.File
	for _, t := range files {
		text := append([]byte(strings.Join(t.header, ",")+"\n"), t.body...)
		in = append(in, dataset.File{Name: t.name, R: bytes.NewReader(text), Size: int64(len(text))})
	}
	var out bytes.Buffer
	if _, err := dataset.Import(ctx, in, s, &out, dataset.ImportOptions{}); err != nil {
		return nil, err
	}
	return dataset.ReadPart(bytes.NewReader(out.Bytes()), int64(out.Len()), s)
}

// interactions gives the events of a part by user, with the numbers of their moments.
func interactions(p *dataset.Part, moments *dataset.Contexts, users, items, types *dataset.Dict) [][]dataset.Event {
	out := make([][]dataset.Event, len(p.UserIDs))
	for _, id := range p.UserIDs {
		users.Intern(id)
	}
	for _, id := range p.ItemIDs {
		items.Intern(id)
	}
	for _, t := range p.EventTypes {
		types.Intern(t)
	}
	if p.Types == nil {
		types.Intern("")
	}
	for r, u := range p.Users {
		e := dataset.Event{Time: p.Times[r], Item: p.Items[r], Value: float32(math.NaN())}
		if p.Types != nil {
			e.Type = p.Types[r]
		}
		if p.Values != nil {
			e.Value = p.Values[r]
		}
		if moments != nil {
			e.Context = moments.Number(p.Cells[r])
		}
		out[u] = append(out[u], e)
	}
	return out
}

// records gives the metadata in a part.
func records(p *dataset.Part, s *dataset.Schema, ids *dataset.Dict) *dataset.Table {
	t := dataset.NewTable(s)
	for r, id := range p.IDs {
		t.Set(ids.Intern(id), p.Cells[r])
	}
	return t
}

// once drops events that repeat another one in everything, as an import does.
func once(s *dataset.Snapshot) *dataset.Snapshot {
	same := func(a, b dataset.Event) bool {
		return a.Time == b.Time && a.Item == b.Item && a.Type == b.Type && a.Context == b.Context && math.Float32bits(a.Value) == math.Float32bits(b.Value)
	}
	out := *s
	out.Start, out.Events = make([]int64, len(s.Start)), make([]dataset.Event, 0, len(s.Events))
	for u := range s.UserIDs {
		first := len(out.Events)
		for _, e := range s.History(dataset.Index(u)) {
			known := false
			for i := len(out.Events) - 1; i >= first && out.Events[i].Time == e.Time && !known; i-- {
				known = same(out.Events[i], e)
			}
			if !known {
				out.Events = append(out.Events, e)
			}
		}
		out.Start[u+1] = int64(len(out.Events))
	}
	return &out
}
