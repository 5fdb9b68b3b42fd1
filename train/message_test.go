package train

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"io"
	"os"
	"strings"
	"testing"

	"usher/recipe"
)

var update = flag.Bool("update", false, "write the golden files anew")

// conversation has each message once.
func conversation(t *testing.T) (server, child []byte) {
	t.Helper()
	var s, c bytes.Buffer
	at := checkpoint{Snapshot: "snapshots/1a/2b-1", Offset: 812, Seconds: 3.5, Fit: "checkpoints/1a/2b-1-1", Saved: 1}
	end := at
	end.Refit, end.Metrics = true, map[string]float64{"coverage": .25}
	end.Choices, end.Model = &recipe.Choices{Values: map[string]float64{"epochs": 12}, Notes: []string{"epoch 12 was best"}}, "models/1a/3c/2b-1"
	for _, err := range []error{
		writeHello(&s),
		writeMessage(&s, messageRequest, &request{Recipe: "aws-sims", Params: recipe.Params{"min_cointeraction_count": "3"}, Seed: 1<<63 + 1, Workers: 2,
			Fits: "checkpoints/1a/2b-1-", Model: "models/1a/3c/2b-1", From: checkpoint{Snapshot: at.Snapshot, Offset: 812}}),
		writeMessage(&s, messageSaved, nil),
		writeHello(&c),
		writeMessage(&c, messageProgress, &report{stageTrain, .5, "epoch 3 of 6", 1 << 30}),
		writeMessage(&c, messageCheckpoint, &at),
		writeMessage(&c, messageDone, &end),
		writeMessage(&c, messageFailed, &failure{"no luck", true}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return s.Bytes(), c.Bytes()
}

func TestProtocolStaysAsItIs(t *testing.T) {
	server, child := conversation(t)
	got := "server:\n" + hex.Dump(server) + "child:\n" + hex.Dump(child)
	const name = "testdata/conversation.golden"
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the bytes have changed: raise protocolVersion, then -update\n%s", got)
	}
}

func TestMessagesComeBack(t *testing.T) {
	_, child := conversation(t)
	r := bytes.NewReader(child)
	if err := readHello(r); err != nil {
		t.Fatal(err)
	}
	var kinds []byte
	for {
		kind, b, err := readMessage(r)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, byte(kind))
		if kind == messageDone {
			c, err := decode[checkpoint](kind, b)
			if err != nil || !c.Refit || c.Model != "models/1a/3c/2b-1" || c.Choices.Values["epochs"] != 12 || c.Metrics["coverage"] != .25 {
				t.Errorf("%+v %v", c, err)
			}
		}
	}
	if string(kinds) != "PCDF" {
		t.Errorf("kinds %q", kinds)
	}
}

func TestTooLongMessageIsNotSent(t *testing.T) {
	var b bytes.Buffer
	err := writeMessage(&b, messageFailed, &failure{Error: strings.Repeat("x", messageMax)})
	if err == nil || b.Len() > 0 {
		t.Errorf("%d bytes were written: %v", b.Len(), err)
	}
}

func FuzzReadMessage(f *testing.F) {
	f.Add([]byte("P\x02\x00\x00\x00{}"))
	f.Add([]byte("C\xff\xff\xff\xff"))
	f.Add([]byte("D\x06\x00\x00\x00{\"a\":1"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		for {
			before := r.Len()
			kind, b, err := readMessage(r)
			if errors.Is(err, io.EOF) && before > 0 {
				t.Fatal("a cut message is taken for the end")
			}
			if err != nil {
				return
			}
			var out bytes.Buffer
			out.WriteByte(byte(kind))
			if len(b) > messageMax || before-r.Len() != 5+len(b) {
				t.Fatalf("message of %d bytes from %d", len(b), before-r.Len())
			}
			_, _ = decode[checkpoint](kind, b)
			_, _ = decode[request](kind, b)
		}
	})
}
