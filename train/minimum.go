package train

import (
	"fmt"
	"slices"
	"strings"

	"usher/catalog"
	"usher/dataset"
	"usher/recipe"
)

// Minimums is what data must have to be trained on. AWS's are 1000, 25, .01.
type Minimums struct {
	Interactions int64
	Users        int     // with at least two interactions each
	Share        float64 // such users among all users that have interactions
}

// insufficient is data that cannot be trained on, with the text for the customer.
type insufficient struct{ reason string }

func (e *insufficient) Error() string { return e.reason }

// counts is what the minimums are about.
type counts struct {
	interactions int64
	users        int // with interactions
	repeated     int // of them, those with two or more
	types        []string
}

func count(s *dataset.Snapshot) counts {
	c := counts{interactions: int64(len(s.Events))}
	used := make([]bool, len(s.EventTypes))
	for u := range s.UserIDs {
		h := s.History(dataset.Index(u))
		if len(h) > 0 {
			c.users++
		}
		if len(h) > 1 {
			c.repeated++
		}
		for _, e := range h {
			used[e.Type] = true
		}
	}
	for i, on := range used {
		if on && s.EventTypes[i] != "" {
			c.types = append(c.types, s.EventTypes[i])
		}
	}
	return c
}

// check refuses data that is too little to learn from, or too varied, in AWS's
// words where these are known. all is the data before it was filtered.
func (t *Trainer) check(v *catalog.SolutionVersion, all, filtered *dataset.Snapshot) error {
	have, least := count(filtered), t.opt.Minimums
	least.Interactions = max(1, least.Interactions)
	switch {
	case have.interactions < least.Interactions:
		return &insufficient{fmt.Sprintf("Dataset has fewer than %d interactions%s. It has %d. %s",
			least.Interactions, after(v), have.interactions, more(v, all))}
	case have.repeated < least.Users:
		return &insufficient{fmt.Sprintf("Dataset has fewer than %d users with at least 2 interactions each. Of %d users with interactions%s %d have 2 or more. %s",
			least.Users, have.users, after(v), have.repeated, more(v, all))}
	case float64(have.repeated) < least.Share*float64(have.users):
		return &insufficient{fmt.Sprintf("Dataset has fewer than %g%% of users with at least 2 interactions each. Of %d users with interactions%s %d have 2 or more. %s",
			least.Share*100, have.users, after(v), have.repeated, more(v, all))}
	case t.opt.EventTypes > 0 && len(have.types) > t.opt.EventTypes:
		return &insufficient{fmt.Sprintf("Dataset has more than %d distinct event types. It has %d: %s. %s",
			t.opt.EventTypes, len(have.types), some(have.types), fewer(v))}
	}
	return nil
}

// after names the filter of a version.
func after(v *catalog.SolutionVersion) string {
	var by []string
	if v.EventType != "" {
		by = append(by, "event type: "+v.EventType)
	}
	if v.EventValueThreshold != nil {
		by = append(by, fmt.Sprintf("event value of at least %g", *v.EventValueThreshold))
	}
	if hasRules(v) {
		by = append(by, "eventsConfig")
	}
	if by == nil {
		return ""
	}
	return " after filtering by " + strings.Join(by, " and ")
}

// hasRules says whether the configuration says which events count.
func hasRules(v *catalog.SolutionVersion) bool {
	c, err := parseConfig(v)
	return err == nil && len(c.rules()) > 0
}

// more says how there could be more data.
func more(v *catalog.SolutionVersion, all *dataset.Snapshot) string {
	if after(v) == "" {
		return "Import more interactions, or record them with PutEvents."
	}
	if len(all.Events) == 0 {
		return "There are no interactions at all. Import some, or record them with PutEvents."
	}
	if useCase(v) {
		return fmt.Sprintf("Of all types there are %d interactions: %s. Import more of the type %s, or record them with PutEvents.", len(all.Events), some(count(all).types), v.EventType)
	}
	text := fmt.Sprintf("Without the filter there are %d interactions", len(all.Events))
	if types := count(all).types; v.EventType != "" && len(types) > 0 {
		text += " of the event types " + some(types)
	}
	if hasRules(v) {
		return text + fmt.Sprintf(" (event types %s). Import more, or create a solution with another eventsConfig.", some(count(all).types))
	}
	return text + ". Import more, or create a solution with another eventType or eventValueThreshold."
}

// fewer says how there could be fewer event types.
func fewer(v *catalog.SolutionVersion) string {
	if useCase(v) {
		return "Import fewer types."
	}
	return "Give the solution an eventType, or import fewer types."
}

// useCase says whether a version is of a recommender, which chooses no events by
// itself.
func useCase(v *catalog.SolutionVersion) bool {
	spec, ok := recipe.SpecOf(v.Recipe)
	return ok && spec.Domain != ""
}

// some lists the first few names, sorted.
func some(names []string) string {
	const most = 20
	sorted := slices.Sorted(slices.Values(names))
	if len(sorted) > most {
		return strings.Join(sorted[:most], ", ") + ", …"
	}
	return strings.Join(sorted, ", ")
}
