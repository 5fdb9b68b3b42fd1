package recipetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"

	"usher/dataset"
	"usher/recipe"
)

func (s *suite) load(b []byte) (recipe.Model, error) {
	return s.recipe.Load(bytes.NewReader(b), int64(len(b)))
}

// testLoad: a loaded model has the same bytes and gives the same answers.
func (s *suite) testLoad(t testing.TB) {
	m, err := s.load(s.bytes)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	if m.Len() != s.model.Len() {
		t.Errorf("Len is %d, was %d", m.Len(), s.model.Len())
	}
	if !bytes.Equal(saved(t, m), s.bytes) {
		t.Error("saved again, the bytes differ")
	}
	list := []dataset.Index{9, 8, 25, 3, 2, 16}
	ask := s.strangers()
	for u := range dataset.Index(users) {
		ask[s.data.UserIDs[u]] = s.query(u)
	}
	for name, q := range ask {
		if a, b := answer(t, m, q, 100, dataset.Set{}), answer(t, s.model, q, 100, dataset.Set{}); !slices.Equal(a, b) {
			t.Errorf("%s: %v, before saving %v", name, a, b)
		}
		if a, b := ranking(t, m, q, list), ranking(t, s.model, q, list); !slices.Equal(a, b) {
			t.Errorf("%s, ranked: %v, before saving %v", name, a, b)
		}
	}
}

// testDamaged: whatever happens to the bytes of a model, they are refused.
func (s *suite) testDamaged(t testing.TB) {
	n := len(s.bytes)
	for at := 0; at < n; at += 1 + at/64 { // the head closely, the rest at intervals
		for _, flip := range []byte{1, 0x80} {
			bad := slices.Clone(s.bytes)
			bad[at] ^= flip
			if _, err := s.load(bad); err == nil {
				t.Errorf("byte %d of %d changed: loaded", at, n)
			}
		}
		if _, err := s.load(s.bytes[:at]); err == nil {
			t.Errorf("cut to %d of %d bytes: loaded", at, n)
		}
	}
	for name, bad := range map[string][]byte{
		"last byte missing": s.bytes[:n-1],
		"a byte too many":   append(slices.Clone(s.bytes), 0),
		"twice":             slices.Concat(s.bytes, s.bytes),
		"zeros":             make([]byte, n),
		"a foreign file":    []byte("USER_ID,ITEM_ID,TIMESTAMP\n1,2,3\n"),
	} {
		if _, err := s.load(bad); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
}

var errBroken = errors.New("recipetest: the disk is broken")

// broken takes and gives some bytes before it fails.
type broken struct {
	r    io.ReaderAt
	left int
}

func (b *broken) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errBroken
	}
	return len(p), nil
}

func (b *broken) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > int64(b.left) {
		return 0, errBroken
	}
	return b.r.ReadAt(p, off)
}

// testFailing: errors of the disk come through.
func (s *suite) testFailing(t testing.TB) {
	n := len(s.bytes)
	for _, left := range []int{0, 5, n / 2, n - 1} {
		if err := s.model.Save(&broken{left: left}); !errors.Is(err, errBroken) {
			t.Errorf("save, failing after %d of %d bytes: %v", left, n, err)
		}
		if _, err := s.recipe.Load(&broken{bytes.NewReader(s.bytes), left}, int64(n)); err == nil {
			t.Errorf("load, failing after %d of %d bytes: no error", left, n)
		}
	}
}

// testWorkers: one worker, eight and as many as there are CPUs give the same bytes (I4).
func (s *suite) testWorkers(t testing.TB) {
	for _, workers := range []int{8, 0} {
		in := s.input()
		in.Workers = workers
		m, err := s.recipe.Train(context.Background(), in)
		if err != nil {
			t.Fatalf("%d workers: %v", workers, err)
		}
		if !bytes.Equal(saved(t, m), s.bytes) {
			t.Errorf("%d workers give other bytes than one", workers)
		}
	}
}

// testStoppedTraining: a training that is stopped before it starts, or when it
// first tells its progress, ends with an error and does not go on telling.
func (s *suite) testStoppedTraining(t testing.TB) {
	if m, err := s.recipe.Train(stopped(), s.input()); !isStop(err) || m != nil {
		t.Errorf("stopped before: %v, %v", m, err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	in, told := s.input(), 0
	in.Progress = func(done float64, note string) {
		if told++; done >= 1 {
			return // too late to stop
		}
		if told > 3 {
			t.Errorf("told %v, %q after the stop", done, note)
		}
		cancel(errStopped)
	}
	if _, err := s.recipe.Train(ctx, in); ctx.Err() != nil && !isStop(err) || ctx.Err() == nil && err != nil {
		t.Errorf("stopped at the first progress: %v", err)
	}
}

// memory is a Checkpoint that stops the training when it has saved.
type memory struct {
	state []byte
	saved func()
}

func (m *memory) Load() ([]byte, error) { return slices.Clone(m.state), nil }

func (m *memory) Save(state []byte) error {
	m.state = slices.Clone(state)
	m.saved()
	return nil
}

// testResumed: a training that was stopped after each of its first checkpoints
// ends with the same bytes as one that was not.
func (s *suite) testResumed(t testing.TB) {
	const stops = 3
	state := &memory{}
	for n := range stops + 1 {
		ctx, cancel := context.WithCancelCause(context.Background())
		in := s.input()
		in.Checkpoint = state
		state.saved = func() {
			if n < stops {
				cancel(errStopped)
			}
		}
		m, err := s.recipe.Train(ctx, in)
		halted := ctx.Err() != nil
		cancel(nil)
		if err == nil {
			if !bytes.Equal(saved(t, m), s.bytes) {
				t.Errorf("after %d stops the bytes differ", n)
			}
			t.Logf("stopped %d times", n)
			return
		}
		if !halted || !isStop(err) {
			t.Fatalf("after %d stops: %v", n, err)
		}
	}
}

// testNoInteractions: data from which nothing can be learnt give an error, or a
// model that answers.
func (s *suite) testNoInteractions(t testing.TB) {
	for name, data := range map[string]*dataset.Snapshot{
		"no data":           nil,
		"nobody":            dataset.NewSnapshot(nil, nil, nil, nil),
		"users without any": dataset.NewSnapshot([]string{"a", "b"}, []string{"x", "y"}, []string{""}, nil),
		"items only":        dataset.NewSnapshot(nil, []string{"x", "y"}, []string{""}, nil),
	} {
		in := s.input()
		in.Data = data
		m, err := s.recipe.Train(context.Background(), in)
		if err != nil {
			continue
		}
		if data == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		if got := answer(t, m, s.query(0), 5, dataset.Set{}); len(got) > data.Items() {
			t.Errorf("%s: %v", name, got)
		}
	}
	// One event is enough not to fall over.
	one := dataset.NewSnapshot([]string{"a"}, []string{"x", "y"}, []string{""}, [][]dataset.Event{{{Item: 1}}})
	in := s.input()
	in.Data = one
	if m, err := s.recipe.Train(context.Background(), in); err == nil {
		for _, x := range answer(t, m, s.query(0), 5, dataset.Set{}) {
			if int(x.Index) >= one.Items() {
				t.Errorf("one event: item %d of %d", x.Index, one.Items())
			}
		}
	}
}

// testReadOnly: trainings and answers leave data, hyperparameters, histories and
// lists as they are.
func (s *suite) testReadOnly(t testing.TB) {
	var before, after bytes.Buffer
	if err := dataset.WriteSnapshot(&before, Checkerboard()); err != nil {
		t.Fatal(err)
	}
	list := []dataset.Index{9, 25, 3, 2}
	ranking(t, s.model, s.query(3), list)
	if !slices.Equal(list, []dataset.Index{9, 25, 3, 2}) {
		t.Errorf("Rank changed its list to %v", list)
	}
	if err := dataset.WriteSnapshot(&after, s.data); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before.Bytes(), after.Bytes()) {
		t.Error("the snapshot was changed")
	}
	if !bytes.Equal(saved(t, s.model), s.bytes) {
		t.Error("answers have changed the model")
	}
}
