package check

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestByHand compares the loops with the expressions that they stand for.
func TestByHand(t *testing.T) {
	const alphabet = "aZ09_-:. ~!\n\u0085\u2028é\x00\x7f/"
	letters := []rune(alphabet)
	rng := rand.New(rand.NewPCG(1, 2))
	texts := []string{"", "arn:aws:personalize:::x", "arn:aws:personalize:us-east-1:1:campaign/a", "arn:aws:personalize:a:", "arn:aws:personalize:a:b:",
		"arn::personalize:a:b:c", "arn:AWS:personalize:a:b:c", "arn:aws:personalize:::personalize:::", "arn:aws:personalize:a:b:c\n", "arn:aws:personalize:a\u2028:b:c", "arn:aws:iam:::x", strings.Repeat("a", 1501)}
	for range 5000 {
		b := make([]rune, rng.IntN(6))
		for i := range b {
			b[i] = letters[rng.IntN(len(letters))]
		}
		texts = append(texts, string(b), "arn:aws:personalize:"+string(b))
	}
	for source, match := range byHand() {
		re := compile(source)
		matched := 0
		for _, s := range texts {
			if len(s) > 1500 && strings.Contains(source, "1500") {
				continue // Go's expression has no bound there; the length has a rule
			}
			want := re.MatchString(s)
			if match(s) != want {
				t.Errorf("%s: by hand %q gives %v", source, s, !want)
			}
			if want {
				matched++
			}
		}
		if matched == 0 || matched == len(texts) {
			t.Errorf("%s: matched %d of %d; the texts tell nothing", source, matched, len(texts))
		}
	}
}

// TestJavaDot: Java's dot stops at line ends that Go's passes, and the whole
// text has to match.
func TestJavaDot(t *testing.T) {
	p := NewPattern(`(s3|http|https)://.+`)
	for text, want := range map[string]bool{"s3://b/k": true, "s3://": false, "xs3://b": false, "s3://a\u2028b": false, "s3://a\rb": false, "s3://b\n": false} {
		if p.Match(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
	if NewPattern(`rate\(\d+ days?\)`).Match("rate(7 days) ") {
		t.Error("more than the pattern matched")
	}
}

func TestMessage(t *testing.T) {
	name := &Text{Min: 1, Max: 3, Pattern: NewPattern(`[A-Za-z_]+`)}
	var c Checker
	c.Enter("tags")
	c.EnterItem(0)
	c.Enter("tagKey")
	c.Text("a!bé", name)
	c.Leave()
	c.Leave()
	c.Leave()
	c.Missing("name")
	c.Enter("context")
	c.Key("", name)
	c.EnterKey("K")
	c.Number(-1, &Number{Min: 0, Max: None})
	c.Leave()
	c.Enum("X", Enum{"A", "B"})
	c.Size(0, &Size{Min: 1, Max: 9})
	c.Size(10, &Size{Min: 1, Max: 9})
	c.Leave()
	want := "8 validation errors detected: " +
		"Value 'a!bé' at 'tags.1.member.tagKey' failed to satisfy constraint: Member must have length less than or equal to 3; " +
		"Value 'a!bé' at 'tags.1.member.tagKey' failed to satisfy constraint: Member must satisfy regular expression pattern: [A-Za-z_]+; " +
		"Value null at 'name' failed to satisfy constraint: Member must not be null; " +
		"Value '' at 'context' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [A-Za-z_]+]; " +
		"Value '-1' at 'context.K.member' failed to satisfy constraint: Member must have value greater than or equal to 0; " +
		"Value 'X' at 'context' failed to satisfy constraint: Member must satisfy enum value set: [A, B]; " +
		"Value '[]' at 'context' failed to satisfy constraint: Member must have length greater than or equal to 1; " +
		"Value '[…]' at 'context' failed to satisfy constraint: Member must have length less than or equal to 9"
	if got := c.Message(); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestMessageIsBounded(t *testing.T) {
	var c Checker
	for range 1000 {
		c.Enter("x")
		c.Text(strings.Repeat("é", 1e4), &Text{Min: None, Max: 1})
		c.Leave()
	}
	got := c.Message()
	if len(got) > 10000 || !strings.HasPrefix(got, "1000 validation errors") || !strings.HasSuffix(got, "and 980 more") || !strings.Contains(got, "(10000 characters)") {
		t.Errorf("%d bytes: %.300s", len(got), got)
	}
}

// TestLength counts characters, not bytes.
func TestLength(t *testing.T) {
	for _, c := range []struct {
		text     string
		min, max int
		ok       bool
	}{{"éé", 2, 2, true}, {"éé", 3, 9, false}, {"ééé", 1, 2, false}, {"😀😀", 2, 2, true}, {"😀", 2, 9, false}, {"", None, 5, true}, {"", 0, 0, true}} {
		var ch Checker
		ch.Enter("x")
		ch.Text(c.text, &Text{Min: c.min, Max: c.max})
		if (ch.Message() == "") != c.ok {
			t.Errorf("%q in %d..%d: %s", c.text, c.min, c.max, ch.Message())
		}
	}
}
