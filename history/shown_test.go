package history

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"usher/dataset"
)

// shownTo gives the ids of what a user was shown, oldest first.
func shownTo(g *Group, user string) string {
	var out []string
	for _, x := range g.Shown(g.User(user)) {
		out = append(out, g.ItemIDs()[x.Item])
	}
	return strings.Join(out, " ")
}

func shownPut(user, item string, at int64, ids ...string) *operation {
	return eventOp(dataset.Interaction{User: user, Item: item, Type: "click", Time: at, Impression: ids})
}

// TestOnlyTheNewestAreKept: of each user exposuresMost, however they come, and after a
// start from a state.
func TestOnlyTheNewestAreKept(t *testing.T) {
	r := newRig(t)
	r.tailLeast = 8
	g := r.open(t)
	var rows [][]string
	for i := range exposuresMost {
		rows = append(rows, []string{"u", "a", fmt.Sprint(10*i + 1000), "t", "", "", fmt.Sprintf("a|i%d", i)}, []string{"v", fmt.Sprintf("i%d", i), "1", "t"})
	}
	r.put(t, g, schemaOp(dataset.Interactions, interactionsText), r.importOp(t, dataset.Interactions, interactionsText, true, rows...))
	want := make([]string, exposuresMost)
	for i := range want {
		want[i] = fmt.Sprintf("i%d", i)
	}
	if got := shownTo(g, "u"); got != strings.Join(want, " ") {
		t.Fatalf("imported: %s", got)
	}
	slices.Reverse(rows)
	for i := range 50 { // older ones behind, in the wrong order
		rows = append(rows, []string{"u", "a", fmt.Sprint(900 - 10*i), "t", "", "", "i3"})
	}
	r.put(t, g, r.importOp(t, dataset.Interactions, interactionsText, true, rows...))
	if got := shownTo(g, "u"); got != strings.Join(want, " ") {
		t.Fatalf("imported backwards: %s", got)
	}
	for i := range 30 {
		r.put(t, g, shownPut("u", "a", int64(10*i+2001), "a", "i5"))
		want = append(want[1:], "i5")
	}
	r.put(t, g, shownPut("u", "a", 3, "i7")) // late, and too old
	r.save(t, g)
	for _, g := range []*Group{g, r.open(t)} {
		if got := shownTo(g, "u"); got != strings.Join(want, " ") {
			t.Errorf("with live ones: %s\nwant %s", got, strings.Join(want, " "))
		}
	}
	if n := g.mu.shown.live.count(g.User("u")); n > exposuresMost+8 {
		t.Errorf("%d live exposures are kept", n)
	}
}

// TestShownItemsGetNoNumbers: an id that was only shown is no item of the group until
// an event or a record makes it one, and then counts as shown before, too.
func TestShownItemsGetNoNumbers(t *testing.T) {
	r := newRig(t)
	g := r.open(t)
	r.put(t, g, schemaOp(dataset.Items, itemsText), shownPut("u", "a", 1, "x", "a", "y"))
	if got := g.ItemIDs(); !slices.Equal(got, []string{"a"}) || shownTo(g, "u") != "" {
		t.Errorf("items %q, shown %q", got, shownTo(g, "u"))
	}
	r.put(t, g, &operation{change: dataset.Change{Item: &dataset.Entity{ID: "y", Row: dataset.Row{{Kind: dataset.String, Str: "y"}, {}, {}}}}})
	if got := shownTo(g, "u"); got != "y" {
		t.Errorf("shown %q, want y", got)
	}
}

// TestIDsOfOldExposuresGo: what nobody is shown any more is not kept for ever, and who is
// shown what stays the same.
func TestIDsOfOldExposuresGo(t *testing.T) {
	r := newRig(t)
	r.tailLeast = 8
	g := r.open(t)
	r.put(t, g, schemaOp(dataset.Interactions, interactionsText), shownPut("v", "a", 1, "a", "b"), put("w", "", "b", 1))
	for i := range 5 * exposuresMost {
		r.put(t, g, shownPut("u", "a", int64(i), fmt.Sprint("x", i)))
	}
	r.put(t, g, put("w", "", fmt.Sprint("x", 5*exposuresMost-3), 2))
	if n := g.mu.shown.ids.Len(); n > 4*exposuresMost+r.tailLeast {
		t.Errorf("%d ids are kept", n)
	}
	if a, b := shownTo(g, "u"), shownTo(g, "v"); a != "x497" || b != "b" {
		t.Errorf("shown are %q and %q", a, b)
	}
}

// TestForgettingDoesNotUndoFolding: a deletion that packs the live exposures meanwhile
// leaves them packed, and without the user.
func TestForgettingDoesNotUndoFolding(t *testing.T) {
	r := newRig(t)
	r.tailLeast = 3
	g := r.open(t)
	r.put(t, g, schemaOp(dataset.Interactions, interactionsText), shownPut("u", "a", 1, "x", "y"), shownPut("v", "a", 1, "x", "y"))
	r.put(t, g, &operation{change: dataset.Change{Forgotten: &dataset.Forgotten{Users: []string{"u"}}}})
	if l := g.mu.shown.live; l.size != 0 || l.packed.len() != 4 || g.ErasedUserCount() != 1 {
		t.Errorf("%d exposures are not packed, %d are, %d users are gone", l.size, l.packed.len(), g.ErasedUserCount())
	}
	r.put(t, g, r.importOp(t, dataset.Interactions, interactionsText, true, []string{"w", "a", "1", "t", "", "", "x"}))
	r.put(t, g, shownPut("w", "a", 2, "y"), &operation{change: dataset.Change{Forgotten: &dataset.Forgotten{Users: []string{"w"}}}})
	if l := g.mu.shown.live; l.size != 0 || g.ErasedUserCount() != 2 {
		t.Errorf("%d exposures of users who are gone are kept beside the packed ones, %d users are gone", l.size, g.ErasedUserCount())
	}
	r.put(t, g, r.importOp(t, dataset.Interactions, interactionsText, false, []string{"v", "a", "1", "t", "", "", "x"}))
	if n := g.mu.shown.bulk.len(); n != 1 {
		t.Errorf("after an import %d exposures are kept", n)
	}
	r.save(t, g)
	again := r.open(t)
	if n := again.ErasedUserCount(); n != 2 || again.mu.shown.live.packed.len() != 2 {
		t.Errorf("after a start %d users are gone, %d exposures are left", n, again.mu.shown.live.packed.len())
	}
}

// TestExposuresHaveABound: all together they stay near shownMost.
func TestExposuresHaveABound(t *testing.T) {
	for users := 1; users < 1<<22; users *= 2 {
		each := exposuresOf(users)
		if each > exposuresMost || each < exposuresLeast || each > exposuresLeast && each*users > shownMost {
			t.Errorf("%d each of %d users", each, users)
		}
	}
}

// TestStateWithoutShown: what a version before exposures wrote is read.
func TestStateWithoutShown(t *testing.T) {
	r := newRig(t)
	g := r.open(t)
	r.put(t, g, schemaOp(dataset.Interactions, interactionsText), put("u", "", "a", 1))
	var b, tail bytes.Buffer
	if _, err := g.WriteState(&b); err != nil {
		t.Fatal(err)
	}
	s, err := g.state()
	if err != nil {
		t.Fatal(err)
	}
	w := &stateWriter{w: bufio.NewWriter(&tail)}
	w.shown(&s.shown, nil)
	if err := w.w.Flush(); err != nil {
		t.Fatal(err)
	}
	old := b.Bytes()[:b.Len()-4-tail.Len()]
	old[len(stateMagic)] = unshownVersion
	old = binary.LittleEndian.AppendUint32(old, crc32.Checksum(old, castagnoli))
	got, err := readState(bytes.NewReader(old), int64(len(old)))
	if err != nil || len(got.past.events(0)) != 1 || len(got.shown.ids) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}
