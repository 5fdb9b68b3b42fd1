package quality

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"usher/dataset"
	"usher/eval"
	"usher/evaluate"
	"usher/internal/seed"
	"usher/recipe"
	"usher/recipe/itemknn"
	"usher/recipe/popularity"
	"usher/recipe/sequence"
)

// set is one public data set with its protocol.
type set struct {
	name, about string
	protocol    evaluate.Protocol
	// load reads the data; rounds is nil where the protocol cuts them.
	load    func(dir fs.FS) (data *dataset.Snapshot, rounds []evaluate.Round, err error)
	seeds   []seed.Seed
	rounds  int
	recipes []recipe.Recipe
}

var (
	next   = []recipe.Recipe{sequence.Recipe{}}
	family = []recipe.Recipe{popularity.Recipe{}, itemknn.Recipe{}, itemknn.Similar{}, sequence.Recipe{}}
	three  = []seed.Seed{1, 2, 3}
	one    = []seed.Seed{1}
)

var sets = []set{
	{"ml-100k", "MovieLens 100k, all ratings", evaluate.NextItem, whole(movielens(0)), three, 1, next},
	{"beauty", "Amazon Beauty, 5-core", evaluate.NextItem, whole(lines("s3rec-amazon/Beauty.txt.gz")), three, 1, next},
	{"video", "Amazon Video Games, 5-core", evaluate.NextItem, whole(pairs("sasrec-video/Video.txt.gz")), one, 1, next},
	{"ml-1m", "MovieLens 1M, the file of SASRec", evaluate.NextItem, whole(pairs("ml-1m/ml-1m_sas.txt.gz")), one, 1, next},
	{"diginetica", "Diginetica sessions", evaluate.Sessions, diginetica, one, 1, next},
	{"gowalla", "Gowalla, the cut of LightGCN", evaluate.TopN, gowalla, one, 1, next},
	{"ml-100k-rated-above-3.6", "MovieLens 100k, ratings above 3.6", evaluate.AWS, whole(movielens(3.6)), one, 20, family},
	{"aws-poc", "AWS's file of ml-latest-small", evaluate.AWS, whole(folder("aws-poc-ml-latest-small")), one, 20, family},
	{"aws-poc-once", "the same, a click that is also a watch counts once", evaluate.AWS, whole(once(folder("aws-poc-ml-latest-small"))), one, 20, family},
	{"ml-100k-by-time", "MovieLens 100k with genres and titles, cut by time", evaluate.Time, whole(movielens(0)), one, 1, family},
	{"ml-latest-small-by-time", "ml-latest-small with genres and titles, cut by time", evaluate.Time, whole(latest), one, 1, family},
}

type loader func(dir fs.FS) (*dataset.Snapshot, error)

// whole leaves the cutting to the protocol.
func whole(load loader) func(fs.FS) (*dataset.Snapshot, []evaluate.Round, error) {
	return func(dir fs.FS) (*dataset.Snapshot, []evaluate.Round, error) {
		data, err := load(dir)
		return data, nil, err
	}
}

// each reads a gzipped file line by line.
func each(dir fs.FS, name string, do func(line string) error) error {
	f, err := dir.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	sc := bufio.NewScanner(z)
	sc.Buffer(nil, 1<<24)
	for n := 1; sc.Scan(); n++ {
		if err := do(sc.Text()); err != nil {
			return fmt.Errorf("read %s, line %d: %w", name, n, err)
		}
	}
	return sc.Err()
}

// histories numbers ids by their first occurrence.
type histories struct {
	users, items *dataset.Dict
	by           [][]dataset.Event
}

func newHistories() *histories { return &histories{users: dataset.NewDict(), items: dataset.NewDict()} }

func (h *histories) add(user, item string, value float32, at int64) {
	n := h.users.Intern(strings.Clone(user))
	if int(n) == len(h.by) {
		h.by = append(h.by, nil)
	}
	h.by[n] = append(h.by[n], dataset.Event{Time: at, Item: h.items.Intern(strings.Clone(item)), Value: value})
}

func (h *histories) snapshot() *dataset.Snapshot {
	return dataset.NewSnapshot(h.users.IDs(), h.items.IDs(), []string{""}, h.by)
}

// pairs reads "user item" lines in order of time.
func pairs(name string) loader {
	return func(dir fs.FS) (*dataset.Snapshot, error) {
		h := newHistories()
		err := each(dir, name, func(line string) error {
			user, item, ok := strings.Cut(line, " ")
			if !ok {
				return fmt.Errorf("%q is no pair", line)
			}
			h.add(user, item, 0, 0)
			return nil
		})
		return h.snapshot(), err
	}
}

// lines reads "user item item …" lines in order of time.
func lines(name string) loader {
	return func(dir fs.FS) (*dataset.Snapshot, error) {
		h := newHistories()
		err := h.lines(dir, name, nil)
		return h.snapshot(), err
	}
}

// lines adds a file of such lines; each is told of a line's user and items.
func (h *histories) lines(dir fs.FS, name string, tell func(user dataset.Index, items []string)) error {
	return each(dir, name, func(line string) error {
		f := strings.Fields(line)
		if len(f) == 0 {
			return nil
		}
		if tell != nil {
			tell(h.users.Intern(strings.Clone(f[0])), f[1:])
			return nil
		}
		for _, item := range f[1:] {
			h.add(f[0], item, 0, 0)
		}
		return nil
	})
}

// diginetica reads the sessions, in order of time, and the questions published
// with them.
func diginetica(dir fs.FS) (*dataset.Snapshot, []evaluate.Round, error) {
	h, n := newHistories(), 0
	if err := each(dir, "session-diginetica/train_sessions.txt.gz", func(line string) error {
		n++
		for item := range strings.FieldsSeq(line) {
			h.add(strconv.Itoa(n), item, 0, int64(n))
		}
		return nil
	}); err != nil {
		return nil, nil, err
	}
	train := h.snapshot()
	r := evaluate.Round{Train: train}
	first := true
	err := each(dir, "session-diginetica/test_pairs.tsv.gz", func(line string) error {
		if first {
			first = false
			return nil
		}
		var q evaluate.Question
		q.User, q.At = dataset.NoIndex, int64(n)
		f := strings.Fields(line)
		for _, item := range f[:len(f)-1] {
			q.Input = append(q.Input, dataset.Event{Time: q.At, Item: h.items.Intern(strings.Clone(item))})
		}
		q.Truth = []dataset.Index{h.items.Intern(strings.Clone(f[len(f)-1]))}
		r.Questions = append(r.Questions, q)
		return nil
	})
	return h.snapshot(), []evaluate.Round{r}, err
}

// gowalla reads check-ins without times, cut by those who published them.
func gowalla(dir fs.FS) (*dataset.Snapshot, []evaluate.Round, error) {
	h := newHistories()
	if err := h.lines(dir, "gowalla-lightgcn/train.txt.gz", nil); err != nil {
		return nil, nil, err
	}
	train := h.snapshot()
	r := evaluate.Round{Train: train, Mask: true}
	err := h.lines(dir, "gowalla-lightgcn/test.txt.gz", func(user dataset.Index, items []string) {
		if len(items) == 0 || int(user) >= train.Users() {
			return
		}
		q := evaluate.Question{Case: eval.Case{User: user, Input: train.History(user)}}
		for _, item := range items {
			q.Truth = append(q.Truth, h.items.Intern(strings.Clone(item)))
		}
		r.Questions = append(r.Questions, q)
	})
	return h.snapshot(), []evaluate.Round{r}, err
}

// movielens reads ml-100k, ratings above a number, with genres and titles.
func movielens(above float32) loader {
	return func(dir fs.FS) (*dataset.Snapshot, error) {
		h := newHistories()
		if err := each(dir, "ml-100k/u.data.gz", func(line string) error {
			f := strings.Fields(line)
			value, err := strconv.ParseFloat(f[2], 32)
			if err != nil {
				return err
			}
			at, err := strconv.ParseInt(f[3], 10, 64)
			if err != nil {
				return err
			}
			if float32(value) > above {
				h.add(f[0], f[1], float32(value), at)
			}
			return nil
		}); err != nil {
			return nil, err
		}
		schema := &dataset.Schema{Type: dataset.Items, Fields: []dataset.Field{
			{Name: "ITEM_ID", Kind: dataset.String},
			{Name: "GENRES", Kind: dataset.String, Nullable: true, Categorical: true},
			{Name: "TITLE", Kind: dataset.String, Nullable: true, Textual: true},
			{Name: "YEAR", Kind: dataset.Double, Nullable: true},
		}}
		table := dataset.NewTable(schema)
		err := each(dir, "ml-100k/u.item.gz", func(line string) error {
			f := strings.Split(latin1(line), "|")
			var genres []string
			for i, flag := range f[5:] {
				if flag == "1" {
					genres = append(genres, strconv.Itoa(i))
				}
			}
			row := dataset.Row{text(f[0]), text(strings.Join(genres, "|")), text(f[1]), {}}
			if n := len(f[2]); n > 4 {
				if year, err := strconv.Atoi(f[2][n-4:]); err == nil {
					row[3] = dataset.Value{Kind: dataset.Double, Num: float64(year)}
				}
			}
			table.Set(h.items.Intern(f[0]), row)
			return nil
		})
		data := h.snapshot()
		data.ItemTable = table
		return data, err
	}
}

func text(s string) dataset.Value {
	if s == "" {
		return dataset.Value{}
	}
	return dataset.Value{Kind: dataset.String, Str: s}
}

// latin1 makes UTF-8 of the old encoding.
func latin1(s string) string {
	out := make([]rune, len(s))
	for i := range len(s) {
		out[i] = rune(s[i])
	}
	return string(out)
}

// folder reads a folder as usher evaluate does.
func folder(name string) loader {
	return func(dir fs.FS) (*dataset.Snapshot, error) {
		sub, err := fs.Sub(dir, name)
		if err != nil {
			return nil, err
		}
		return evaluate.ReadFolder(context.Background(), sub)
	}
}

// latest reads ml-latest-small with its titles and genres.
func latest(dir fs.FS) (*dataset.Snapshot, error) {
	return evaluate.ReadFiles(context.Background(), dir, "ml-latest-small/ratings.csv.gz", "ml-latest-small/movies.csv.gz")
}

// once drops an event that has the item and the time of one before it.
func once(load loader) loader {
	return func(dir fs.FS) (*dataset.Snapshot, error) {
		data, err := load(dir)
		if err != nil {
			return nil, err
		}
		by := make([][]dataset.Event, data.Users())
		for u := range by {
			for _, e := range data.History(dataset.Index(u)) {
				if !slices.ContainsFunc(by[u], func(x dataset.Event) bool { return x.Item == e.Item && x.Time == e.Time }) {
					by[u] = append(by[u], e)
				}
			}
		}
		out := dataset.NewSnapshot(data.UserIDs, data.ItemIDs, data.EventTypes, by)
		out.ItemTable, out.UserTable = data.ItemTable, data.UserTable
		return out, nil
	}
}
