package serving

import (
	"strconv"
	"strings"

	"usher/dataset"
	"usher/history"
	"usher/recipe"
)

// AWS's limits of answers with metadata.
const (
	maxColumns         = 10
	maxMetadataResults = 50
)

// checkColumns judges the columns to show with n items of an answer.
func checkColumns(g *history.Group, d *deployment, columns []string, what string, n int) error {
	if len(columns) == 0 {
		return nil
	}
	schema := g.Schema(dataset.Items)
	switch {
	case !d.metadata:
		return invalid("metadataColumns are given, but the campaign does not show metadata. Create or update it with enableMetadataWithRecommendations true; campaigns of %s show it without.", strings.Join(shown(), ", "))
	case len(columns) > maxColumns:
		return invalid("metadataColumns: %d columns are given. At most %d can be shown.", len(columns), maxColumns)
	case n > maxMetadataResults:
		return invalid("%s is %d. With metadataColumns it is at most %d.", what, n, maxMetadataResults)
	case schema == nil:
		return invalid("metadataColumns: the dataset group has no Items dataset.")
	}
	for _, c := range columns {
		if schema.Column(c) < 0 {
			return invalid("metadataColumns: the Items schema has no column %q.", c)
		}
	}
	return nil
}

// shown are the recipes whose answers can have metadata without a switch.
func shown() (names []string) {
	for _, s := range recipe.Table() {
		if s.Metadata {
			names = append(names, s.Name)
		}
	}
	return names
}

// describe adds the columns to the items of an answer, under the names that the
// caller gave. What is null is left out.
func describe(g *history.Group, items []Item, columns []string) {
	if len(columns) == 0 {
		return
	}
	schema := g.Schema(dataset.Items)
	for i := range items {
		items[i].Metadata = map[string]string{}
		n := g.Item(items[i].ID)
		if n == dataset.NoIndex || schema == nil {
			continue
		}
		row := g.Row(dataset.Items, n)
		for _, c := range columns {
			if f := schema.Column(c); f >= 0 && f < len(row) && row[f].Kind != "" {
				items[i].Metadata[c] = printed(row[f])
			}
		}
	}
}

// printed gives the text of a cell.
func printed(v dataset.Value) string {
	switch v.Kind {
	case dataset.String:
		return v.Str
	case dataset.Int, dataset.Long:
		return strconv.FormatInt(v.Int, 10)
	case dataset.Boolean:
		return strconv.FormatBool(v.Num != 0)
	}
	return strconv.FormatFloat(v.Num, 'f', -1, 64)
}
