package quality

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"usher/evaluate"
)

// The tables stand between these lines of the document.
const (
	tablesBegin = "<!-- tables of bench/quality: begin -->\n"
	tablesEnd   = "<!-- tables of bench/quality: end -->\n"
)

// writeTables puts the kept measurements into the document.
func (b *bench) writeTables() error {
	name := filepath.Join(b.Dir, document)
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(text, []byte(tablesBegin))
	_, after, ok2 := bytes.Cut(rest, []byte(tablesEnd))
	if !ok || !ok2 {
		return fmt.Errorf("%s has no place for the tables, between %q and %q", name, tablesBegin, tablesEnd)
	}
	var out bytes.Buffer
	for _, s := range sets {
		reports, err := b.kept(&s)
		if err != nil {
			return err
		}
		if len(reports) == 0 {
			continue
		}
		s.table(&out, reports)
		curve, err := b.draw(&s, reports)
		if err != nil {
			return err
		}
		if curve != "" {
			fmt.Fprintf(&out, "\n![training on %s](pictures/%s)\n", s.name, curve)
		}
	}
	return os.WriteFile(name, slices.Concat(before, []byte(tablesBegin), out.Bytes(), []byte(tablesEnd), after), 0o644)
}

// table writes the rows of a set: means over its seeds; of several seeds their
// range, of one the interval over questions.
func (s *set) table(b *bytes.Buffer, reports []evaluate.Report) {
	first := reports[0]
	var seeds []string
	for _, r := range reports {
		seeds = append(seeds, fmt.Sprint(r.Seed))
	}
	fmt.Fprintf(b, "\n**%s** (%s; %d users, %d items, %d interactions; protocol %s, %d questions in %d rounds; seeds %s)\n\n",
		s.name, s.about, first.Data.Users, first.Data.Items, first.Data.Interactions, first.Protocol, first.Questions, first.Rounds, strings.Join(seeds, ", "))
	names := shown(first)
	fmt.Fprintf(b, "| |%s coverage | training s |\n|---|%s---|---|\n", header(names), strings.Repeat("---|", len(names)))
	for _, row := range first.Rows {
		if row.Error == "" {
			writeRow(b, row, rowsNamed(reports, row.Name), names)
		}
	}
}

// shown names the metrics of a table.
func shown(r evaluate.Report) (names []string) {
	for _, row := range r.Rows {
		for _, m := range row.Metrics {
			if !slices.Contains(names, m.Name) && !strings.HasPrefix(m.Name, "ideal NDCG@1") && m.Name != "ideal NDCG@5" {
				names = append(names, m.Name)
			}
		}
		for _, p := range row.Parts {
			if !slices.Contains(names, p.Name) {
				names = append(names, p.Name)
			}
		}
	}
	return names
}

func header(names []string) (out string) {
	for _, n := range names {
		out += " " + n + " |"
	}
	return out
}

// rowsNamed gives a contender's rows of all seeds.
func rowsNamed(reports []evaluate.Report, name string) (out []evaluate.Row) {
	for _, r := range reports {
		for _, row := range r.Rows {
			if row.Name == name {
				out = append(out, row)
			}
		}
	}
	return out
}

func writeRow(b *bytes.Buffer, first evaluate.Row, rows []evaluate.Row, names []string) {
	mark := ""
	if !first.Counter && first.Name == "aws-user-personalization-v2" {
		mark = "**"
	}
	fmt.Fprintf(b, "| %s |", first.Name)
	var coverage, seconds float64
	for _, r := range rows {
		coverage += r.Coverage / float64(len(rows))
		seconds += r.TrainSeconds / float64(len(rows))
	}
	for i, name := range names {
		fmt.Fprintf(b, " %s |", cell(rows, name, i == 0, mark))
	}
	fmt.Fprintf(b, " %.3f | %.0f |\n", coverage, seconds)
}

// cell is a mean over seeds; of the main metric with its range or interval.
func cell(rows []evaluate.Row, name string, main bool, mark string) string {
	var values []float64
	var only evaluate.Metric
	for _, r := range rows {
		if m, ok := metric(r, name); ok {
			values, only = append(values, m.Mean), m
		}
	}
	if len(values) == 0 {
		return ""
	}
	mean := 0.
	for _, v := range values {
		mean += v / float64(len(values))
	}
	out := fmt.Sprintf("%s%.4f%s", mark, mean, mark)
	switch {
	case len(values) > 1:
		out += fmt.Sprintf(" (%.4f–%.4f)", slices.Min(values), slices.Max(values))
	case main:
		out += fmt.Sprintf(" [%.4f, %.4f]", only.Low, only.High)
	}
	return out
}

// metric finds a metric, or the main metric of a part of the questions.
func metric(r evaluate.Row, name string) (evaluate.Metric, bool) {
	for _, m := range r.Metrics {
		if m.Name == name {
			return m, true
		}
	}
	for _, p := range r.Parts {
		if p.Name == name {
			return p.Metric, true
		}
	}
	return evaluate.Metric{}, false
}
