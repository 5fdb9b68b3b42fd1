package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"usher/wire"
	"usher/wire/personalize"
	"usher/wire/personalizeruntime"
)

const secret = "secretsecretsecret"

func TestReadKeys(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"one word":      {"AKIA\n", "line 1"},
		"short secret":  {"# c\n\nAKIA short x\n", "line 3"},
		"twice":         {"AKIA " + secret + " x\nAKIA " + secret + " y\n", "twice"},
		"empty":         {"# nobody\n", "has none"},
		"no scope":      {"AKIA " + secret + " x read,fly\n", "scopes are all, or some of read,write,runtime,events,s3"},
		"no name":       {"AKIA " + secret + " a/b\n", "is no name"},
		"two opinions":  {"AKIA " + secret + " x read\nAKIB " + secret + " x write\n", "line 2: x has other scopes"},
		"too many":      {"AKIA " + secret + " x read write\n", "line 1"},
		"empty scope":   {"AKIA " + secret + " x read,\n", "scopes are all"},
		"swapped":       {"AKIA shop-backend-of-ours " + "x " + secret + "\n", "scopes are all"},
		"swapped too":   {"x AKIA00000000000000 /" + secret + "\n", "is no name"},
		"not there":     {"", "keys"},
		"long line":     {strings.Repeat("x", 100_000), "token too long"},
		"name of blank": {"AKIA " + secret + " ü read\n", "is no name"},
	} {
		file := filepath.Join(t.TempDir(), "keys")
		if c.text != "" {
			write(t, file, c.text)
		}
		_, err := openKeys(Options{Keys: file, Region: "us-east-1"})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestKeysOfARunningServer rotates a key: the new one counts beside the old one,
// then alone. A file that is broken changes nothing.
func TestKeysOfARunningServer(t *testing.T) {
	opt := options(t.TempDir()).withDefaults()
	opt.Keys = filepath.Join(t.TempDir(), "keys")
	write(t, opt.Keys, "AKIAOLD "+secret+" shop read,runtime\n")
	keys, err := openKeys(opt)
	if err != nil {
		t.Fatal(err)
	}
	known := keys.lookup()
	for i, step := range []struct{ text, want string }{
		{"AKIAOLD " + secret + " shop read,runtime\nAKIANEW new" + secret + " shop read,runtime\n", "AKIAOLD AKIANEW"},
		{"AKIANEW new" + secret + " shop read,runtime\n", "AKIANEW"},
		{"broken\n", "AKIANEW"},
		{"", "AKIANEW"},
		{"AKIANEW " + secret + " shop write\n", "AKIANEW"},
	} {
		write(t, opt.Keys, step.text)
		keys.renew()
		var have []string
		for _, name := range []string{"AKIAOLD", "AKIANEW"} {
			if key, ok := known(name); ok {
				have = append(have, name)
				if key.Name != "shop" || key.ARN != "arn:aws:iam::000000000000:user/shop" {
					t.Errorf("step %d: %+v", i, key)
				}
			}
		}
		if got := strings.Join(have, " "); got != step.want {
			t.Errorf("step %d: %s", i, got)
		}
	}
	if key, _ := known("AKIANEW"); key.Scopes != wire.Write || key.Secret != secret {
		t.Errorf("the last file counts: %+v", key)
	}
	if err := os.Remove(opt.Keys); err != nil {
		t.Fatal(err)
	}
	keys.renew()
	if _, ok := known("AKIANEW"); !ok {
		t.Error("without a file the keys from before stay")
	}
	if err := keys.follow()(); err != nil {
		t.Error(err)
	}
}

// TestScopes: a principal may do what its scopes say, and is told what it lacks.
func TestScopes(t *testing.T) {
	opt := options(t.TempDir())
	opt.Keys = filepath.Join(t.TempDir(), "keys")
	write(t, opt.Keys, "AKIAREAD "+secret+" reader read\nAKIAWRITE "+secret+" writer write\nAKIASHOP "+secret+" shop runtime,events\n")
	n := open(t, opt)
	name := "one"
	create := func(c wire.ClientOptions) error {
		_, err := personalize.NewClient(c).CreateDatasetGroup(t.Context(), &personalize.CreateDatasetGroupInput{Name: &name})
		return err
	}
	list := func(c wire.ClientOptions) error {
		_, err := personalize.NewClient(c).ListSchemas(t.Context(), &personalize.ListSchemasInput{})
		return err
	}
	recommend := func(c wire.ClientOptions) error {
		_, err := personalizeruntime.NewClient(c).GetRecommendations(t.Context(), &personalizeruntime.GetRecommendationsInput{
			CampaignArn: ptr("arn:aws:personalize:us-east-1:000000000000:campaign/none"), UserId: ptr("u")})
		return err
	}
	for _, c := range []struct {
		key  string
		call func(wire.ClientOptions) error
		want string // in the error; "" for none
	}{
		{"AKIAREAD", list, ""},
		{"AKIAREAD", create, "AccessDeniedException: User: arn:aws:iam::000000000000:user/reader is not authorized to perform: personalize:CreateDatasetGroup on resource: arn:aws:personalize:us-east-1:000000000000:* because no identity-based policy allows the personalize:CreateDatasetGroup action"},
		{"AKIAREAD", recommend, "AccessDeniedException"},
		{"AKIAWRITE", create, ""},
		{"AKIAWRITE", list, "personalize:ListSchemas"},
		{"AKIASHOP", recommend, "ResourceNotFoundException"},
		{"AKIASHOP", list, "AccessDeniedException"},
	} {
		err := c.call(wire.ClientOptions{Endpoint: n.URL(), AccessKey: c.key, Secret: secret, Region: "us-east-1", Now: time.Now})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.key, err)
		}
	}
}
