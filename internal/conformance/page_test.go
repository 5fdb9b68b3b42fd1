package conformance

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// compatibility is docs/compatibility.md.
func compatibility(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestCompatibilityPage: docs/compatibility.md has a row for each operation, and
// calls those "not yet" that this suite knows as refused.
func TestCompatibilityPage(t *testing.T) {
	rows := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\| (\w+) \| (whole|not yet) \| .+ \|$`).FindAllSubmatch(compatibility(t), -1) {
		if _, twice := rows[string(m[1])]; twice {
			t.Errorf("%s has two rows", m[1])
		}
		rows[string(m[1])] = string(m[2])
	}
	for _, m := range models(t) {
		for _, op := range m.Operations {
			want := "whole"
			if slices.Contains(notYet, op.Name) {
				want = "not yet"
			}
			if got := rows[op.Name]; got != want {
				t.Errorf("docs/compatibility.md says %q of %s, want %q", got, op.Name, want)
			}
			delete(rows, op.Name)
		}
	}
	for op := range rows {
		t.Errorf("docs/compatibility.md has a row for %s, which is no operation", op)
	}
}

// promisedRefusals is the number of broken inputs that docs/compatibility.md tells of.
func promisedRefusals(t *testing.T) int {
	t.Helper()
	m := regexp.MustCompile(`more than (\d+) broken inputs`).FindSubmatch(compatibility(t))
	if m == nil {
		t.Fatal("docs/compatibility.md does not say how many broken inputs there are")
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
