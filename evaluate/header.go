package evaluate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// table is one CSV file.
type table struct {
	name   string
	header []string
	body   []byte // behind the header
}

// kind says by the columns what a file holds: the number of one of kinds.
func (t *table) kind(line string) (int, error) {
	user, item := slices.Contains(t.header, "USER_ID"), slices.Contains(t.header, "ITEM_ID")
	switch {
	case user && item && !slices.Contains(t.header, "TIMESTAMP"):
		return 0, fmt.Errorf("the header %q has no column TIMESTAMP (Unix seconds): which event came first is not known; where the rows tell, add their numbers", line)
	case user && item:
		return 0, nil
	case item:
		return 1, nil
	case user:
		return 2, nil
	case strings.HasPrefix(line, "PAR1"):
		return 0, errors.New("it is a Parquet file: usher imports those, and evaluates CSV files")
	case line == "":
		return 0, errors.New("the first line, which names the columns, is empty")
	case len(t.header) == 1 && strings.ContainsAny(line, ";\t|"):
		return 0, fmt.Errorf("the header %q has no commas: columns are separated by commas", line)
	}
	return 0, fmt.Errorf("the header %q has neither USER_ID nor ITEM_ID", line)
}

func sameColumns(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// names gives the columns of a header, those that people call otherwise under the
// name of Amazon Personalize.
func names(line string) []string {
	out := strings.Split(strings.TrimRight(line, "\r\n"), ",")
	plain := make([]string, len(out))
	for i, h := range out {
		out[i] = strings.Trim(strings.TrimSpace(h), `"`)
		plain[i] = strings.ToLower(strings.NewReplacer("_", "", " ", "").Replace(out[i]))
	}
	for _, a := range aliases {
		for _, called := range a.called {
			if i := slices.Index(plain, called); i >= 0 {
				out[i] = a.column
				break
			}
		}
	}
	return out
}

// aliases are what people call the columns of Amazon Personalize, without case
// and underscores, the surest first: of several that a file has one is meant.
var aliases = []struct {
	column string
	called []string
}{
	{"USER_ID", []string{"userid", "user", "personid", "customerid", "visitorid", "sessionid"}},
	{"ITEM_ID", []string{"itemid", "item", "movieid", "productid", "contentid"}},
	{"TIMESTAMP", []string{"timestamp", "unixtime", "time"}},
	{"EVENT_TYPE", []string{"eventtype", "event"}},
	{"EVENT_VALUE", []string{"eventvalue", "rating", "value"}},
	{"IMPRESSION", []string{"impression"}},
	{"CREATION_TIMESTAMP", []string{"creationtimestamp"}},
}
