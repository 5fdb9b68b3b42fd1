package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"usher/internal/storetest"
	"usher/node"
)

// childDir tells this test program to be the process of a training.
const childDir = "USHER_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := node.Child(context.Background(), dir, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func models(t testing.TB) map[string]*Model {
	t.Helper()
	out := map[string]*Model{}
	for _, service := range []string{"personalize", "personalizeevents", "personalizeruntime"} {
		text, err := os.ReadFile("../../wire/model/" + service + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if out[service], err = ParseModel(text); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// visit is a conversation with a running server that is judged call by call.
type visit struct {
	*testing.T
	url    string
	models map[string]*Model
	ops    map[string]call
	done   map[string]bool // operations that have succeeded
	met    map[string]bool // operations that have been called at all

	refusals, answered int // that were judged
}

// call is an operation with its model.
type call struct {
	*Model
	Operation
}

func newVisit(t *testing.T) *visit {
	t.Helper()
	n, err := node.Open(t.Context(), node.Options{Dir: t.TempDir(), Database: storetest.Database(t), Listen: "127.0.0.1:0", Fast: true, Log: slog.New(slog.DiscardHandler),
		Child: func(ctx context.Context, dir string) *exec.Cmd {
			cmd := exec.CommandContext(ctx, os.Args[0])
			cmd.Env = append(os.Environ(), childDir+"="+dir)
			return cmd
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	v := &visit{T: t, url: n.URL(), models: models(t), ops: map[string]call{}, done: map[string]bool{}, met: map[string]bool{}}
	for _, m := range v.models {
		for _, op := range m.Operations {
			v.ops[op.Name] = call{m, op}
		}
	}
	return v
}

// in is an input or a part of one.
type in = map[string]any

const prefix = "arn:aws:personalize:us-east-1:000000000000:"

// arn gives an ARN of the server's account.
func arn(rest string) string { return prefix + rest }

// post sends an input and gives status and body.
func (v *visit) post(c call, input any) (int, []byte) {
	v.Helper()
	text, err := json.Marshal(input)
	if err != nil {
		v.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, v.url+c.Path, strings.NewReader(string(text)))
	if err != nil {
		v.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if c.TargetPrefix != "" {
		req.Header.Set("X-Amz-Target", c.TargetPrefix+"."+c.Name)
	}
	return v.send(req)
}

func (v *visit) send(req *http.Request) (int, []byte) {
	v.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		v.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.Fatal(err)
	}
	return res.StatusCode, body
}

// upload puts an object into the embedded buckets.
func (v *visit) upload(path, body string) {
	v.Helper()
	req, err := http.NewRequest(http.MethodPut, v.url+"/"+path, strings.NewReader(body))
	if err != nil {
		v.Fatal(err)
	}
	if status, text := v.send(req); status != http.StatusOK {
		v.Fatalf("PUT %s: %d %s", path, status, text)
	}
}

// fault is the answer of a call that was refused.
type fault struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

// refusal judges that an answer is an error of the operation's model, or one of
// those that all operations have, with the right status.
func (v *visit) refusal(c call, what string, status int, body []byte) (f fault) {
	v.Helper()
	v.refusals++
	if err := json.Unmarshal(body, &f); err != nil || f.Message == "" {
		v.Errorf("%s, %s: %d %.200s is no error: %v", c.Name, what, status, body, err)
		return f
	}
	want := http.StatusBadRequest
	switch {
	case slices.Contains(c.Errors, f.Type):
		if s := c.Shape(f.Type).Status; s != 0 {
			want = s
		}
	case f.Type != "ValidationException" && f.Type != "SerializationException":
		v.Errorf("%s, %s: the operation has no error %s: %s", c.Name, what, f.Type, f.Message)
	}
	if status != want {
		v.Errorf("%s, %s: %s has the status %d, want %d", c.Name, what, f.Type, status, want)
	}
	return f
}

// probe sends everything that an input like this one must not be.
func (v *visit) probe(op string, good in) {
	v.Helper()
	c := v.ops[op]
	for _, b := range c.Broken(c.Input, good) {
		what := b.Path + " " + b.What
		status, body := v.post(c, b.Input)
		if status == http.StatusOK {
			if b.Rule == Absent && strings.HasPrefix(op, "List") {
				v.answer(c, what, body) // a list by what is not there is empty
				continue
			}
			v.Errorf("%s, %s: is taken", op, what)
			continue
		}
		want := "SerializationException"
		invalid := "ValidationException"
		if slices.Contains(c.Errors, "InvalidInputException") {
			invalid = "InvalidInputException"
		}
		switch b.Rule {
		case Constraint:
			want = invalid
		case Absent:
			if want = "ResourceNotFoundException"; !slices.Contains(c.Errors, want) {
				want = invalid
			}
		}
		// What is not yet there may say so before it looks whether a resource is.
		vague := b.Rule == Absent && slices.Contains(notYet, op)
		if f := v.refusal(c, what, status, body); f.Type != want && !(vague && f.Type == invalid) {
			v.Errorf("%s, %s: %s, want %s: %s", op, what, f.Type, want, f.Message)
		}
	}
}

// answer judges the answer of a call that succeeded.
func (v *visit) answer(c call, what string, body []byte) map[string]any {
	v.Helper()
	v.answered++
	for _, p := range c.Problems(c.Output, body) {
		v.Errorf("%s%s: answer %s: %.300s", c.Name, what, p, body)
	}
	var out map[string]any
	if len(body) > 0 {
		if err := json.Unmarshal(body, &out); err != nil {
			v.Fatal(err)
		}
	}
	return out
}

// ok calls an operation that has to succeed.
func (v *visit) ok(op string, input in) map[string]any {
	v.Helper()
	c := v.ops[op]
	v.met[op] = true
	status, body := v.post(c, input)
	if status != http.StatusOK {
		v.Fatalf("%s %v: %d %s", op, input, status, body)
	}
	v.done[op] = true
	return v.answer(c, "", body)
}

// try probes an operation and then calls it for good.
func (v *visit) try(op string, input in) map[string]any {
	v.Helper()
	v.probe(op, input)
	return v.ok(op, input)
}

// later calls an operation of a capability that this version does not have: it is
// refused like any other, never by a 500.
func (v *visit) later(op string, input in) {
	v.Helper()
	c := v.ops[op]
	v.met[op] = true
	v.probe(op, input)
	status, body := v.post(c, input)
	if status == http.StatusOK {
		v.done[op] = true
		v.answer(c, "", body)
		return
	}
	v.refusal(c, "a good input", status, body)
}

// until polls, as programs do, until what is described has the status. Each poll
// is a request, and its answer is judged: all states are seen.
func (v *visit) until(want, op string, input in, path ...string) {
	v.Helper()
	for {
		got := at(v.ok(op, input), path...)
		switch {
		case got == want:
			return
		case got == "CREATE FAILED", got == "ACTIVE", got == "FAILED", got == "COMPLETED":
			v.Fatalf("%s %v: %v, want %s", op, input, got, want)
		}
	}
}

// at goes down an answer.
func at(v any, path ...string) any {
	for _, k := range path {
		m, _ := v.(map[string]any)
		v = m[k]
	}
	return v
}
