package evaluate

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
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

// ReadFiles reads a dataset group from some files of a folder.
func ReadFiles(ctx context.Context, dir fs.FS, names ...string) (*dataset.Snapshot, error) {
	var g group
	for _, name := range names {
		if err := g.read(dir, name); err != nil {
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

// table is one CSV file.
type table struct {
	name   string
	header []string
	body   []byte // behind the header
}

// read takes a file: a CSV, a schema, or anything else, which is left alone.
func (g *group) read(dir fs.FS, name string) error {
	base, zipped := strings.CutSuffix(strings.ToLower(name), ".gz")
	switch path.Ext(base) {
	case ".csv":
		text, err := content(dir, name, zipped)
		if err != nil {
			return err
		}
		return g.add(name, text)
	case ".json", ".avsc":
		text, err := content(dir, name, zipped)
		if err != nil {
			return err
		}
		if s, err := dataset.ParseSchema(string(text), ""); err == nil {
			if at := slices.Index(kinds[:], s.Type); at >= 0 {
				g.schemas[at] = s
			}
		}
	}
	return nil
}

func content(dir fs.FS, name string, zipped bool) ([]byte, error) {
	if !zipped {
		return fs.ReadFile(dir, name)
	}
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return text, nil
}

// add takes a CSV file.
func (g *group) add(name string, text []byte) error {
	line, body, _ := bytes.Cut(bytes.TrimPrefix(text, []byte("\ufeff")), []byte("\n"))
	t := table{name: name, header: names(string(line)), body: body}
	user, item := slices.Contains(t.header, "USER_ID"), slices.Contains(t.header, "ITEM_ID")
	switch {
	case user && item:
		if !slices.Contains(t.header, "TIMESTAMP") {
			return fmt.Errorf("read %s: the header %q has no column TIMESTAMP (Unix seconds): which event came first is not known", name, line)
		}
		g.files[0] = append(g.files[0], t)
	case item:
		g.files[1] = append(g.files[1], t)
	case user:
		g.files[2] = append(g.files[2], t)
	default:
		return fmt.Errorf("read %s: the header %q has neither USER_ID nor ITEM_ID", name, line)
	}
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

// names gives the columns of a header, those that are known under a name of
// Amazon Personalize by that name.
func names(line string) []string {
	out := strings.Split(strings.TrimRight(line, "\r\n"), ",")
	for i, h := range out {
		h = strings.Trim(strings.TrimSpace(h), `"`)
		plain := strings.ToLower(strings.NewReplacer("_", "", " ", "").Replace(h))
		out[i] = cmp.Or(aliases[plain], h)
	}
	return out
}

// aliases are what people call the columns of Amazon Personalize, without case
// and underscores.
var aliases = map[string]string{
	"userid": "USER_ID", "user": "USER_ID", "personid": "USER_ID", "customerid": "USER_ID", "sessionid": "USER_ID", "visitorid": "USER_ID",
	"itemid": "ITEM_ID", "item": "ITEM_ID", "movieid": "ITEM_ID", "productid": "ITEM_ID", "contentid": "ITEM_ID",
	"timestamp": "TIMESTAMP", "time": "TIMESTAMP", "unixtime": "TIMESTAMP",
	"eventtype": "EVENT_TYPE", "event": "EVENT_TYPE",
	"eventvalue": "EVENT_VALUE", "rating": "EVENT_VALUE", "value": "EVENT_VALUE",
	"impression": "IMPRESSION", "creationtimestamp": "CREATION_TIMESTAMP",
}
