package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"usher/dataset"
	"usher/evaluate"
	"usher/internal/seed"
	"usher/node"
	"usher/recipe"
)

// evaluateCommand is the flags of usher evaluate.
type evaluateCommand struct {
	recipes, protocol, json    string
	objective                  string
	params                     paramFlag
	rounds, questions, workers int
	seed                       uint64
	embedURL, embedModel       string
	embedKey                   string
	counters, quiet            bool
}

// evaluateFiles measures recipes on a person's own files.
func evaluateFiles(ctx context.Context, io stdio, args []string) error {
	c := evaluateCommand{params: paramFlag{}}
	fs := flag.NewFlagSet("usher evaluate", flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprintf(fs.Output(), "usher evaluate [flags] FOLDER | interactions.csv [items.csv [users.csv]]\n\n"+
			"Measures how well recipes recommend on your data, beside plain counters. No server\nis needed. Files are CSV, gzipped or not; what one holds is known by its columns\n(USER_ID, ITEM_ID, TIMESTAMP; userId or movieId will do). In a folder schemas in\nAvro JSON count too. Protocols cut the data into what is learnt and what is asked:\n\n")
		for _, p := range evaluate.Protocols() {
			fmt.Fprintf(fs.Output(), "  %-10s %s\n", p, p.About())
		}
		fmt.Fprintln(fs.Output())
		fs.PrintDefaults()
	}
	fs.StringVar(&c.recipes, "recipe", "aws-user-personalization-v2", "`names` of recipes separated by commas, or all")
	fs.StringVar(&c.protocol, "protocol", string(evaluate.NextItem), "how the data are cut: one of the `protocol`s above")
	fs.IntVar(&c.rounds, "rounds", 1, "how many times to train and ask, each with another seed and another cut by chance")
	fs.IntVar(&c.questions, "questions", 0, "how many questions of a round to ask at most; 0: all")
	fs.Uint64Var(&c.seed, "seed", 1, "seed of the first round")
	fs.IntVar(&c.workers, "workers", 0, "goroutines; 0: one for each CPU")
	fs.BoolVar(&c.counters, "counters", true, "measure plain counters beside the recipes")
	fs.Var(c.params, "param", "hyperparameter `name=value` of the recipes that have it; may be given again")
	fs.StringVar(&c.objective, "objective", "", "`column:sensitivity` of what recipes that can are to bring besides relevance, for example PRICE:LOW; MEDIUM, HIGH, OFF")
	fs.StringVar(&c.embedURL, "embed-url", "", "`address` of a model of language that speaks OpenAI's embeddings, as of usher serve: recipes learn from its vectors of items' texts")
	fs.StringVar(&c.embedModel, "embed-model", "default", "name of that model")
	fs.StringVar(&c.embedKey, "embed-key", "", "key for that address")
	fs.StringVar(&c.json, "json", "", "`file` to write the results to as JSON; - is the standard output, without the table")
	fs.BoolVar(&c.quiet, "quiet", false, "say nothing of what is being done")
	if err := parse(fs, io.err, args); err != nil {
		return err
	}
	if fs.NArg() == 0 {
		fs.Usage()
		return errUsage
	}
	return c.run(ctx, io, fs.Args())
}

func (c *evaluateCommand) run(ctx context.Context, io stdio, files []string) error {
	opt, err := c.options()
	if err != nil {
		return err
	}
	if !c.quiet {
		opt.Progress = func(note string) { fmt.Fprintln(io.err, note) }
	}
	data, err := readData(ctx, files)
	if err != nil {
		return err
	}
	if data.ItemTable, err = recipe.Embedded(ctx, data.ItemTable, node.NewEmbedder(c.embedURL, c.embedModel, c.embedKey)); err != nil {
		return fmt.Errorf("-embed-url: %w", err)
	}
	var file *os.File // opened before the work: hours may be lost otherwise
	if c.json != "" && c.json != "-" {
		if file, err = os.OpenFile(c.json, os.O_CREATE|os.O_WRONLY, 0o666); err != nil {
			return err
		}
		defer file.Close()
	}
	report, err := evaluate.Run(ctx, data, opt)
	if err != nil {
		return err
	}
	if c.json == "-" {
		return report.WriteJSON(io.out)
	}
	if file != nil {
		if err := errors.Join(file.Truncate(0), report.WriteJSON(file), file.Close()); err != nil {
			return err
		}
	}
	return report.WriteText(io.out)
}

// check refuses numbers that mean nothing.
func (c *evaluateCommand) check() error {
	for _, n := range []struct {
		flag           string
		value, atLeast int
	}{{"rounds", c.rounds, 1}, {"questions", c.questions, 0}, {"workers", c.workers, 0}} {
		if n.value < n.atLeast {
			return fmt.Errorf("-%s %d: at least %d", n.flag, n.value, n.atLeast)
		}
	}
	return nil
}

func (c *evaluateCommand) options() (opt evaluate.Options, err error) {
	if err := c.check(); err != nil {
		return opt, err
	}
	opt = evaluate.Options{Counters: c.counters, Rounds: c.rounds, Questions: c.questions, Seed: seed.Seed(c.seed),
		Workers: c.workers, Params: recipe.Params(c.params), Now: time.Now}
	if opt.Protocol, err = evaluate.ParseProtocol(c.protocol); err != nil {
		return opt, err
	}
	if opt.Recipes, err = recipesOf(c.recipes); err != nil {
		return opt, err
	}
	if c.objective != "" {
		if opt.Objective, err = recipe.ParseObjective(c.objective); err != nil {
			return opt, fmt.Errorf("-objective: %w", err)
		}
	}
	return opt, checkParams(opt)
}

// recipesOf finds recipes by their names.
func recipesOf(list string) ([]recipe.Recipe, error) {
	all := node.Recipes()
	if list == "all" {
		return all, nil
	}
	var out []recipe.Recipe
	var known []string
	for _, r := range all {
		known = append(known, r.Spec().Name)
	}
	for name := range strings.SplitSeq(list, ",") {
		at := slices.Index(known, strings.TrimSpace(name))
		if at < 0 {
			slices.Sort(known)
			return nil, fmt.Errorf("no recipe %q: use all, or some of %s", name, strings.Join(known, ", "))
		}
		out = append(out, all[at])
	}
	return out, nil
}

// checkParams sees to it that each hyperparameter is one of some recipe, and in
// its range.
func checkParams(opt evaluate.Options) error {
	for name, v := range opt.Params {
		taken := false
		for _, r := range opt.Recipes {
			s := r.Spec()
			for _, p := range slices.Concat(s.Algo, s.Feature) {
				if p.Name != name {
					continue
				}
				taken = true
				if _, err := recipe.Check([]recipe.Param{p}, map[string]string{name: v}); err != nil {
					return err
				}
			}
		}
		if !taken {
			return fmt.Errorf("-param %s=%s: none of the recipes has that hyperparameter", name, v)
		}
	}
	return nil
}

// readData reads a folder, or some files.
func readData(ctx context.Context, names []string) (*dataset.Snapshot, error) {
	if info, err := os.Stat(names[0]); err != nil {
		return nil, err
	} else if info.IsDir() {
		if len(names) > 1 {
			return nil, fmt.Errorf("unexpected argument %q behind a folder", names[1])
		}
		return evaluate.ReadFolder(ctx, os.DirFS(names[0]))
	}
	return evaluate.ReadFiles(ctx, files{}, names...)
}

// files opens files wherever they lie.
type files struct{}

// Open implements fs.FS.
func (files) Open(name string) (fs.File, error) { return os.Open(filepath.Clean(name)) }

// paramFlag collects -param name=value.
type paramFlag map[string]string

// String implements flag.Value.
func (p paramFlag) String() string { return "" }

// Set implements flag.Value.
func (p paramFlag) Set(text string) error {
	name, v, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return fmt.Errorf("%q is not name=value", text)
	}
	p[name] = v
	return nil
}
