package lint

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pages gives every page of the repository's text.
func pages(t *testing.T, visit func(name, text string)) {
	t.Helper()
	const root = "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".md" {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		visit(filepath.ToSlash(rel), read(t, rel))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	mark    = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors gives what a page's headings are called in links.
func anchors(text string) (out []string) {
	for _, h := range heading.FindAllStringSubmatch(text, -1) {
		out = append(out, strings.ReplaceAll(mark.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-"))
	}
	return out
}

// TestLinksLeadSomewhere follows the links between pages, to headings too.
func TestLinksLeadSomewhere(t *testing.T) {
	pages(t, func(name, text string) {
		for _, l := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(l[1], "://") {
				continue
			}
			to, anchor, _ := strings.Cut(l[1], "#")
			path := filepath.Join(filepath.Dir(name), to)
			if to == "" {
				path = name
			}
			if _, err := os.Stat(filepath.Join("../..", path)); err != nil {
				t.Errorf("%s: the link %s leads nowhere", name, l[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchors(read(t, path)), anchor) {
				t.Errorf("%s: %s has no heading #%s", name, path, anchor)
			}
		}
	})
}

var command = regexp.MustCompile(`go run \./cmd/usher ([a-z-]+)`)

// TestCommandsExist looks for the commands that pages tell newcomers to run.
func TestCommandsExist(t *testing.T) {
	main := read(t, "cmd/usher/main.go")
	pages(t, func(name, text string) {
		for _, c := range command.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(main, `{"`+c[1]+`", `) {
				t.Errorf("%s: usher has no command %s", name, c[1])
			}
		}
	})
}

// TestDesignNamesTheRooms compares docs/design.md with the tree and the layers.
func TestDesignNamesTheRooms(t *testing.T) {
	blocks := strings.Split(read(t, "docs/design.md"), "```")
	if len(blocks) < 4 {
		t.Fatal("docs/design.md has no house and no layers")
	}
	named := rooms(blocks[1])
	for _, layer := range layers {
		for _, room := range layer {
			if !slices.ContainsFunc(named, func(name string) bool { return name == room || strings.HasPrefix(name, room+"/") }) {
				t.Errorf("the house lacks the room %s", room)
			}
		}
	}
	for _, room := range named {
		if _, err := os.Stat(filepath.Join("../..", room)); err != nil {
			t.Errorf("the house has the room %s, which is gone", room)
		}
	}
	var order []string // from the roof down
	for layer := range strings.SplitSeq(blocks[3], "→") {
		order = append(order, strings.Join(strings.Fields(strings.NewReplacer("{", "", "}", "", ",", "").Replace(layer)), " "))
	}
	slices.Reverse(order)
	for i, layer := range layers {
		got := strings.Fields(order[min(i, len(order)-1)])
		slices.Sort(got)
		if want := slices.Sorted(slices.Values(layer)); len(order) != len(layers) || !slices.Equal(got, want) {
			t.Errorf("layer %d of the page is %v, want %v", i, got, want)
		}
	}
}

// rooms gives the folders that a tree names at the beginnings of its lines; those
// further in with their room's name before them.
func rooms(tree string) (out []string) {
	room := ""
	for line := range strings.Lines(tree) {
		inside := strings.HasPrefix(line, "  ")
		for word := range strings.FieldsSeq(line) {
			name, ok := strings.CutSuffix(word, "/")
			if !ok {
				break // what follows tells of it
			}
			if inside {
				out = append(out, room+"/"+name)
				continue
			}
			room = name
			out = append(out, name)
		}
	}
	return out
}
