package evaluate

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"usher/dataset"
	"usher/eval"
	"usher/recipe"
)

// Report is what was measured.
type Report struct {
	Data      Data              `json:"data"`
	Protocol  Protocol          `json:"protocol"`
	Seed      uint64            `json:"seed"`
	Rounds    int               `json:"rounds"`
	Questions int               `json:"questions"`           // of all rounds
	Objective *recipe.Objective `json:"objective,omitempty"` // of the recipes that can weigh one
	Rows      []Row             `json:"rows"`
}

// Data describes the data that were measured on.
type Data struct {
	Users        int `json:"users"` // with interactions
	Items        int `json:"items"` // those without interactions included
	Interactions int `json:"interactions"`
}

// Row is one contender's result.
type Row struct {
	Name         string   `json:"name"`
	Counter      bool     `json:"counter,omitempty"`  // a plain baseline, not a recipe
	Segments     bool     `json:"segments,omitempty"` // it makes segments of users and has its own measures alone
	Metrics      []Metric `json:"metrics,omitempty"`
	Parts        []Part   `json:"parts,omitempty"`
	Coverage     float64  `json:"coverage"`         // the part of the catalogue that was recommended to somebody; the mean of rounds
	Reward       float64  `json:"reward,omitempty"` // the mean attribute of what was recommended, where there is an objective
	TrainSeconds float64  `json:"train_seconds"`    // of all rounds
	AskSeconds   float64  `json:"ask_seconds"`
	MemoryMB     float64  `json:"memory_mb"` // the most that training took
	// Own is what only this recipe measures, under AWS's keys.
	Own map[string]float64 `json:"own,omitempty"`
	// Curve is how the first round's training went on its validation part.
	Curve []recipe.CurvePoint `json:"curve,omitempty"`
	Error string              `json:"error,omitempty"` // why it could not be trained
}

// Metric is the mean of a metric over all questions, with its 95 % interval.
type Metric struct {
	Name string `json:"name"`
	eval.Interval
}

// Part is the main metric on a part of the questions.
type Part struct {
	Name      string `json:"name"`
	Questions int    `json:"questions"`
	Metric    Metric `json:"metric"`
}

func describe(data *dataset.Snapshot) Data {
	d := Data{Items: data.Items(), Interactions: len(data.Events)}
	for u := range data.UserIDs {
		if len(data.History(dataset.Index(u))) > 0 {
			d.Users++
		}
	}
	return d
}

// WriteJSON writes the report for programs.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteText writes the report for people: a table, the intervals below it.
func (r *Report) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "%d users, %d items, %d interactions; protocol %s, %d questions in %s\n\n",
		r.Data.Users, r.Data.Items, r.Data.Interactions, r.Protocol, r.Questions, rounds(r.Rounds))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	names := r.Protocol.metrics()
	fmt.Fprint(t, "\t")
	for i, name := range names {
		fmt.Fprintf(t, "%s\t", name)
		if i == 0 {
			fmt.Fprint(t, "95 % interval\t")
		}
	}
	if r.Objective != nil {
		fmt.Fprintf(t, "mean %s\t", r.Objective.Attribute)
	}
	fmt.Fprint(t, "coverage\ttraining s\tasking s\tMB\t\n")
	for _, row := range r.Rows {
		if row.Error != "" {
			fmt.Fprintf(t, "%s\tnot trained\t\n", row.Name)
			continue
		}
		if row.Segments {
			continue
		}
		fmt.Fprintf(t, "%s\t", row.Name)
		for i, m := range row.Metrics {
			fmt.Fprintf(t, "%.4f\t", m.Mean)
			if i == 0 {
				fmt.Fprintf(t, "%.4f–%.4f\t", m.Low, m.High)
			}
		}
		if r.Objective != nil {
			fmt.Fprintf(t, "%.4g\t", row.Reward)
		}
		fmt.Fprintf(t, "%.4f\t%.1f\t%.1f\t%.0f\t\n", row.Coverage, row.TrainSeconds, row.AskSeconds, row.MemoryMB)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return r.writeRest(w)
}

func rounds(n int) string {
	if n == 1 {
		return "1 round"
	}
	return fmt.Sprintf("%d rounds", n)
}

// writeRest writes the parts of the questions, recipes' own measures, and why
// contenders are missing.
func (r *Report) writeRest(w io.Writer) error {
	for _, row := range r.Rows {
		for _, p := range row.Parts {
			fmt.Fprintf(w, "\n%s, %s: %s %.4f (%.4f–%.4f) over %d questions", row.Name, p.Name, p.Metric.Name, p.Metric.Mean, p.Metric.Low, p.Metric.High, p.Questions)
		}
		for i, name := range slices.Sorted(maps.Keys(row.Own)) {
			format := ", %s %.4f"
			if i == 0 {
				format = "\n" + row.Name + ", its own measures: %s %.4f"
			}
			fmt.Fprintf(w, format, name, row.Own[name])
		}
		if row.Error != "" {
			fmt.Fprintf(w, "\n%s was not trained: %s", row.Name, row.Error)
		}
	}
	_, err := fmt.Fprintln(w)
	return err
}
