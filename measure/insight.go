package measure

import (
	"fmt"

	"usher/dataset"
)

// Insight is one check that found something, with what to do about it.
type Insight struct {
	Check    string       `json:"check"`    // which of the eleven, for programs
	Severity string       `json:"severity"` // error: training or a recipe fails; warning: it suffers
	Dataset  dataset.Type `json:"datasetType"`
	Column   string       `json:"column,omitempty"`
	Text     string       `json:"text"`
	Action   string       `json:"action"`
}

// What Amazon Personalize asks for, and what it recommends.
const (
	leastInteractions       = 1000
	recommendedInteractions = 50_000
	leastRepeated           = 25 // users with two interactions
	recommendedRepeated     = 1000
	completeShare           = .70
	completeTextual         = .85
	mostCategories          = 1000
	mostEventTypes          = 10
)

// insights makes the eleven checks.
func insights(s *Statistics) []Insight {
	out := []Insight{}
	for i := range s.Datasets {
		d := &s.Datasets[i]
		switch d.Type {
		case dataset.Interactions:
			out = append(out, interactionInsights(d)...)
		case dataset.Items, dataset.Users:
			out = append(out, idleInsights(d)...)
		default: // as in AWS's console, which knows these three
			continue
		}
		out = append(out, rowInsights(d)...)
		for i := range d.Columns {
			out = append(out, columnInsights(d.Type, &d.Columns[i])...)
		}
	}
	return out
}

func (d *DatasetStatistics) insight(check, severity, text, action string) Insight {
	return Insight{Check: check, Severity: severity, Dataset: d.Type, Text: text, Action: action}
}

// interactionInsights look at amounts, event types and times.
func interactionInsights(d *DatasetStatistics) (out []Insight) {
	x := d.Interactions
	if d.Rows < recommendedInteractions {
		severity := "warning"
		if d.Rows < leastInteractions {
			severity = "error"
		}
		out = append(out, d.insight("few-interactions", severity,
			fmt.Sprintf("There are %d interactions. Training needs %d; %d are recommended.", d.Rows, leastInteractions, recommendedInteractions),
			"Import more interactions, or record live ones with PutEvents."))
	}
	if x.Repeated < recommendedRepeated {
		severity := "warning"
		if x.Repeated < leastRepeated {
			severity = "error"
		}
		out = append(out, d.insight("few-repeated-users", severity,
			fmt.Sprintf("%d users have two interactions or more. Training needs %d such users; %d are recommended.", x.Repeated, leastRepeated, recommendedRepeated),
			"Import interactions of more users, or a longer time. Events of anonymous visitors count once their session is joined to a user."))
	}
	if x.EventTypes > mostEventTypes {
		out = append(out, d.insight("many-event-types", "error",
			fmt.Sprintf("There are %d event types. Training takes at most %d.", x.EventTypes, mostEventTypes),
			"Leave out event types that say little, or join some under one name."))
	}
	for i := range d.Columns {
		c := &d.Columns[i]
		if c.Name == "TIMESTAMP" && d.Rows > 1 && c.Unique == 1 {
			in := d.insight("equal-timestamps", "error", "All interactions have the same timestamp. Recipes of user segmentation fail, and no recipe can learn an order.",
				"Import the interactions with the times at which they happened.")
			in.Column = c.Name
			out = append(out, in)
		}
	}
	return out
}

// idleInsights look at items or users that nobody has interacted with, or who did
// not.
func idleInsights(d *DatasetStatistics) []Insight {
	if d.Idle == nil || *d.Idle == 0 {
		return nil
	}
	what, check := "items", "idle-items"
	action := "Only their metadata says something about them: see that it is complete, and that ITEM_ID is spelled alike in Items and Interactions."
	if d.Type == dataset.Users {
		what, check = "users", "idle-users"
		action = "They get what is popular: see that USER_ID is spelled alike in Users and Interactions."
	}
	return []Insight{d.insight(check, "warning", fmt.Sprintf("%.1f %% of the %s (%d of %d) have no interactions.", 100*share(*d.Idle, d.Rows), what, *d.Idle, d.Rows), action)}
}

// rowInsights look at rows that lack a value.
func rowInsights(d *DatasetStatistics) []Insight {
	if d.Incomplete == 0 {
		return nil
	}
	return []Insight{d.insight("missing-values", "warning",
		fmt.Sprintf("%.1f %% of the rows (%d of %d) lack a value.", 100*share(d.Incomplete, d.Rows), d.Incomplete, d.Rows),
		fmt.Sprintf("Fill them where you can: at least %.0f %% of a column should be there.", 100*completeShare))}
}

// columnInsights look at completeness, outliers and categories.
func columnInsights(t dataset.Type, c *ColumnStatistics) (out []Insight) {
	add := func(check, text, action string) {
		out = append(out, Insight{Check: check, Severity: "warning", Dataset: t, Column: c.Name, Text: text, Action: action})
	}
	switch percent := 100 * c.Complete; {
	case c.Textual && c.Complete < completeTextual:
		add("incomplete-text", fmt.Sprintf("The textual column %s is %.1f %% complete. Below %.0f %% training does not use it.", c.Name, percent, 100*completeTextual),
			"Give more items a text, or take the column out of the schema.")
	case !c.Textual && c.Complete < completeShare:
		add("incomplete-column", fmt.Sprintf("The column %s is %.1f %% complete. %.0f %% are recommended.", c.Name, percent, 100*completeShare),
			"Fill more of it, or take the column out of the schema.")
	}
	if c.Numbers != nil && c.Numbers.Outliers > 0 && c.Name != "TIMESTAMP" {
		add("outliers", fmt.Sprintf("The column %s has %d values far outside of the others, which lie mostly between %g and %g; they go from %g to %g.",
			c.Name, c.Numbers.Outliers, c.Numbers.Quantiles["p25"], c.Numbers.Quantiles["p75"], c.Numbers.Least, c.Numbers.Most),
			"See whether these values are right, for example whether all have the same unit.")
	}
	if c.Categorical && c.Unique > mostCategories {
		add("many-categories", fmt.Sprintf("The categorical column %s has %d categories. At most %d are recommended.", c.Name, c.Unique, mostCategories),
			"Join rare categories under one name, or make the column a plain string.")
	}
	return out
}
