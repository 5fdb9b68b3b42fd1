package batch

import (
	"cmp"
	"context"
	"log/slog"
	"math"
	"slices"
	"strings"
	"unicode"

	"usher/dataset"
	"usher/history"
	"usher/serving"
)

// themesMost is AWS's quota of questions of a file with themes.
const themesMost = 100

// labeller names what the items of an answer have in common, by their metadata: the
// categories and words that stand out against the whole catalogue. It is made for a
// job, of the items as they are then, and used concurrently.
type labeller struct {
	group  *history.Group
	schema *dataset.Schema
	name   int            // column of names
	in     map[string]int // in how many items a term is
	items  int

	ask func(ctx context.Context, plain string, items []string) (string, error) // for a better name; nil: nobody
	log *slog.Logger
}

// theme is what a labeller says of an answer.
type theme struct {
	text      string
	relevance []float64 // of each item, 0 to 1
}

// newLabeller counts the terms of all items.
func newLabeller(g *history.Group, itemName string) *labeller {
	l := &labeller{group: g, schema: g.Schema(dataset.Items), in: map[string]int{}}
	if l.schema == nil {
		return l
	}
	l.name = l.schema.Column(itemName)
	for i := range g.ItemIDs() {
		terms := l.terms(dataset.Index(i))
		for _, t := range terms {
			l.in[t]++
		}
		if len(terms) > 0 {
			l.items++
		}
	}
	return l
}

// terms gives the distinct categories and words of an item, sorted. Categories are
// as they were given, words in small letters; a word that a category says is left out.
func (l *labeller) terms(i dataset.Index) []string {
	row := l.group.Row(dataset.Items, i)
	var categories, said []string
	for c, f := range l.schema.Fields {
		if c >= len(row) || row[c].Kind != dataset.String || c == l.schema.ID() {
			continue
		}
		switch {
		case f.Categorical:
			categories = append(categories, strings.Split(row[c].Str, "|")...)
		case f.Textual, c == l.name:
			said = append(said, words(row[c].Str)...)
		}
	}
	told := words(strings.Join(categories, " "))
	out := append(categories, slices.DeleteFunc(said, func(w string) bool { return slices.Contains(told, w) })...)
	slices.Sort(out)
	return slices.Compact(out)
}

// shortest is how many letters a word has that can name a theme.
const shortest = 4

// words gives the words of a text that can name a theme.
func words(text string) []string {
	fields := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) })
	return slices.DeleteFunc(fields, func(w string) bool { return len([]rune(w)) < shortest })
}

// weighed is a term and how much it stands out.
type weighed struct {
	term   string
	weight float64
}

// Bounds of a theme.
const (
	termsMost = 3  // that name it
	termsUsed = 20 // that items are compared with
	leastPart = .3 // of the items that a term has to be in
)

// theme finds what some items have in common.
func (l *labeller) theme(ids []string) theme {
	out := theme{relevance: make([]float64, len(ids))}
	if l.schema == nil || len(ids) == 0 {
		return out
	}
	terms := make([][]string, len(ids))
	count := map[string]int{}
	for k, id := range ids {
		i := l.group.Item(id)
		if i == dataset.NoIndex {
			continue
		}
		terms[k] = l.terms(i)
		for _, t := range terms[k] {
			count[t]++
		}
	}
	var best []weighed
	for t, n := range count {
		part := float64(n) / float64(len(ids))
		if lift := part / (float64(max(1, l.in[t])) / float64(max(1, l.items))); n > 1 && part >= leastPart && lift > 1 {
			best = append(best, weighed{t, part * math.Log(lift)})
		}
	}
	slices.SortFunc(best, func(a, b weighed) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.term, b.term))
	})
	best = best[:min(termsUsed, len(best))]
	var names []string
	for _, b := range best[:min(termsMost, len(best))] {
		names = append(names, b.term)
	}
	out.text = listed(names)
	for k := range terms {
		out.relevance[k] = l.relevance(best, terms[k])
	}
	return out
}

// better gives the theme as whoever can be asked names it, the plain words where
// nobody can or that fails.
func (l *labeller) better(ctx context.Context, plain string, items []serving.Item) string {
	if l.ask == nil || len(items) == 0 {
		return plain
	}
	names := make([]string, len(items))
	for k := range items {
		names[k] = items[k].ID
		if i := l.group.Item(items[k].ID); i != dataset.NoIndex {
			if row := l.group.Row(dataset.Items, i); l.name >= 0 && l.name < len(row) && row[l.name].Str != "" {
				names[k] = row[l.name].Str
			}
		}
	}
	text, err := l.ask(ctx, plain, names)
	if err != nil {
		l.log.Warn("a theme stays what the words of its items say", "theme", plain, "error", err)
		return plain
	}
	return text
}

// listed joins names: a, b and c.
func listed(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// relevance is the cosine between a theme's terms and an item's, where a term counts
// the more the rarer it is.
func (l *labeller) relevance(theme []weighed, terms []string) float64 {
	var dot, a, b float64
	rare := func(t string) float64 { return math.Log(1 + float64(l.items)/float64(max(1, l.in[t]))) }
	for _, w := range theme {
		a += w.weight * w.weight
		if _, ok := slices.BinarySearch(terms, w.term); ok {
			dot += w.weight * rare(w.term)
		}
	}
	for _, t := range terms {
		b += rare(t) * rare(t)
	}
	if dot == 0 {
		return 0
	}
	return dot / math.Sqrt(a*b)
}

// arrange puts the items of an answer into the order of their relevance for its theme.
func (l *labeller) arrange(items []serving.Item) ([]serving.Item, theme) {
	ids := make([]string, len(items))
	for k := range items {
		ids[k] = items[k].ID
	}
	t := l.theme(ids)
	order := make([]int, len(items))
	for k := range order {
		order[k] = k
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(t.relevance[b], t.relevance[a]) })
	sorted, relevance := make([]serving.Item, len(items)), make([]float64, len(items))
	for k, at := range order {
		sorted[k], relevance[k] = items[at], t.relevance[at]
	}
	t.relevance = relevance
	return sorted, t
}
