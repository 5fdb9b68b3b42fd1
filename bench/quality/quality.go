// Package quality measures aws-user-personalization-v2 and its neighbours on the
// public data sets of docs/quality.md and writes the tables there.
//
//	usher bench quality DATA                 all sets, with their usual seeds
//	usher bench quality DATA ml-100k@1,2     one set, with these seeds
//	usher bench quality                      the tables anew, from docs/results/quality
//
// DATA is a folder with the sets; they may not be in the project. Results are kept
// in docs/results/quality, a file for each set and seed, so a set can be measured
// again alone. Test parts are read here and nowhere else: once per release, never
// while tuning. It runs in a checkout; what is measured and how, is evaluate's.
package quality

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"usher/evaluate"
	"usher/internal/seed"
)

// Options configure Run.
type Options struct {
	Dir  string    // the checkout
	Data string    // the folder with the data sets; "": only the tables are written
	Sets []string  // "name" or "name@seed,seed"; empty: all
	Out  io.Writer // results
	Err  io.Writer // progress
	Now  func() time.Time
}

// Places in a checkout.
const (
	results  = "docs/results/quality"
	document = "docs/quality.md"
)

// Run measures the wanted sets and writes the tables.
func Run(ctx context.Context, opt Options) error {
	b := bench{opt}
	if opt.Data != "" {
		wanted := opt.Sets
		if len(wanted) == 0 {
			for _, s := range sets {
				wanted = append(wanted, s.name)
			}
		}
		for _, w := range wanted {
			if err := b.measure(ctx, w); err != nil {
				return err
			}
		}
	}
	return b.writeTables()
}

type bench struct{ Options }

// measure measures one set: "name" or "name@seeds".
func (b *bench) measure(ctx context.Context, wanted string) error {
	name, list, given := strings.Cut(wanted, "@")
	at := slices.IndexFunc(sets, func(s set) bool { return s.name == name })
	if at < 0 {
		var names []string
		for _, s := range sets {
			names = append(names, s.name)
		}
		return fmt.Errorf("no set %q: there are %s", name, strings.Join(names, ", "))
	}
	s := sets[at]
	seeds := s.seeds
	if given {
		seeds = nil
		for text := range strings.SplitSeq(list, ",") {
			n, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				return fmt.Errorf("seeds %q of %s: %w", list, name, err)
			}
			seeds = append(seeds, seed.Seed(n))
		}
	}
	for _, n := range seeds {
		if err := b.measureSet(ctx, &s, n); err != nil {
			return fmt.Errorf("%s, seed %d: %w", name, n, err)
		}
	}
	return nil
}

// measureSet measures a set with one seed and keeps the result.
func (b *bench) measureSet(ctx context.Context, s *set, from seed.Seed) error {
	data, rounds, err := s.load(os.DirFS(b.Data))
	if err != nil {
		return err
	}
	opt := evaluate.Options{Recipes: s.recipes, Counters: true, Protocol: s.protocol, Rounds: s.rounds, Seed: from, Now: b.Now,
		Progress: b.progress(s.name)}
	var report *evaluate.Report
	if rounds != nil {
		report, err = evaluate.RunRounds(ctx, data, rounds, opt)
	} else {
		report, err = evaluate.Run(ctx, data, opt)
	}
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := report.WriteJSON(&text); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(b.Dir, results), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(b.Dir, results, fmt.Sprintf("%s.%d.json", s.name, from)), text.Bytes(), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(b.Out, "%s, seed %d\n", s.name, from)
	return report.WriteText(b.Out)
}

// progress prints what is being done, but not every word of it.
func (b *bench) progress(name string) func(string) {
	var last time.Time
	return func(note string) {
		if now := b.Now(); now.Sub(last) >= 10*time.Second {
			last = now
			fmt.Fprintf(b.Err, "%s: %s\n", name, note)
		}
	}
}

// kept reads the kept measurements of a set, by seed.
func (b *bench) kept(s *set) ([]evaluate.Report, error) {
	names, err := filepath.Glob(filepath.Join(b.Dir, results, s.name+".*.json"))
	if err != nil {
		return nil, err
	}
	var out []evaluate.Report
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var r evaluate.Report
		if err := json.Unmarshal(b, &r); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b evaluate.Report) int { return int(a.Seed) - int(b.Seed) })
	return out, nil
}
