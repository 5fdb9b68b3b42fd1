package control

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"usher/catalog"
	"usher/job"
)

var update = flag.Bool("update", false, "write testdata")

// random is what is random in an answer: the last part of some ARNs, and tracking ids.
var random = regexp.MustCompile(`(?:event-tracker/|solution/[a-z]+/)[0-9a-f]{8}|[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)

// names gives what is random a name, in the order in which it is first seen.
type names struct{ real []string }

func (n *names) hide(s string) string {
	for _, found := range random.FindAllString(s, -1) {
		id := found[strings.LastIndex(found, "/")+1:]
		known := false
		for _, r := range n.real {
			known = known || r == id
		}
		if !known {
			n.real = append(n.real, id)
		}
	}
	for i, r := range n.real {
		s = strings.ReplaceAll(s, r, fmt.Sprintf("{%d}", i+1))
	}
	return s
}

func (n *names) show(s string) string {
	for i, r := range n.real {
		s = strings.ReplaceAll(s, fmt.Sprintf("{%d}", i+1), r)
	}
	return s
}

// converse carries out one step of a conversation. "Operation {input}" is a
// call; "job KIND STATUS [reason]" waits for a job of the kind and ends it so.
func converse(r *rig, n *names, step string) string {
	r.Helper()
	word, rest, _ := strings.Cut(strings.TrimSpace(step), " ")
	if word == "job" {
		kind, result, _ := strings.Cut(rest, " ")
		arn := r.begun(job.Kind(kind))
		r.finish(job.Kind(kind), arn, func(c catalog.Record) { settle(c, result) })
		return n.hide(arn) + "\n"
	}
	code, body := r.send(word, n.show(rest))
	var b bytes.Buffer
	if body != "" {
		if err := json.Indent(&b, []byte(body), "", "  "); err != nil {
			r.Errorf("%s answers %q: %v", word, body, err)
		}
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", code, n.hide(b.String()))) + "\n"
}

// settle does to a record what its worker would: result is a status and, after a
// colon, the reason.
func settle(r catalog.Record, result string) {
	status, reason, _ := strings.Cut(result, ": ")
	m := r.Common()
	m.Status, m.FailureReason = catalog.Status(status), reason
	switch c := r.(type) {
	case *catalog.SolutionVersion:
		if m.Status == catalog.Active {
			c.Metrics = map[string]float64{"coverage": 0.25, "precision_at_5": 0.125}
			c.TrainingHours = 0.5
		}
	case *catalog.Campaign:
		if u := c.LatestUpdate; u != nil {
			m.Status, m.FailureReason = catalog.Active, ""
			u.Status, u.FailureReason = catalog.Status(status), reason
			if u.Status == catalog.Active {
				c.Parent, c.Requested, c.MinTPS, c.Config = u.Version, u.Requested, u.MinTPS, u.Config
			}
		}
	}
}

// TestConversations compares whole chains of calls with those of testdata.
func TestConversations(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			r, n := newRig(t), &names{}
			for i := range a.Files {
				f := &a.Files[i]
				step, want, _ := strings.Cut(string(f.Data), "----\n")
				got := converse(r, n, step)
				if *update {
					f.Data = []byte(step + "----\n" + got)
				} else if got != want {
					t.Errorf("%s:\n%s\nwant\n%s", f.Name, got, want)
				}
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
