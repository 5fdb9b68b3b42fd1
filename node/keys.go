package node

import (
	"bufio"
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"usher/catalog"
	"usher/wire"
)

// keyring holds the principals of the keys file. It reads the file again when that
// has changed, so keys are added and taken away while the server runs.
type keyring struct {
	file string
	user string // begins the ARNs of principals
	log  *slog.Logger
	text []byte // of the file as it was read last, good or bad
	keys atomic.Pointer[map[string]wire.Key]
}

// lookEveryKeys is how often the file is looked at.
const lookEveryKeys = time.Second

// openKeys reads the keys file; nil where there is none.
func openKeys(opt Options) (*keyring, error) {
	if opt.Keys == "" {
		return nil, nil
	}
	arns := catalog.NewARNs(opt.Region, opt.Account)
	k := &keyring{file: opt.Keys, user: "arn:" + arns.Partition + ":iam::" + opt.Account + ":user/", log: opt.Log}
	if _, err := k.read(); err != nil {
		return nil, err
	}
	if info, err := os.Stat(k.file); err == nil && info.Mode().Perm()&0o004 != 0 {
		k.log.Warn("the keys file can be read by everybody on this machine", "file", k.file)
	}
	return k, nil
}

// lookup is what wire.Signatures asks; nil, which accepts anybody, for no keys.
func (k *keyring) lookup() func(accessKey string) (wire.Key, bool) {
	if k == nil {
		return nil
	}
	return func(accessKey string) (wire.Key, bool) {
		key, ok := (*k.keys.Load())[accessKey]
		return key, ok
	}
}

// follow reads the file whenever it has changed, until stop is called.
func (k *keyring) follow() (stop func() error) {
	tick, end, ended := time.NewTicker(lookEveryKeys), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-tick.C:
				k.renew()
			case <-end:
				return
			}
		}
	}()
	return func() error {
		tick.Stop()
		close(end)
		<-ended
		return nil
	}
}

// renew takes over what is new in the file. While that cannot be read the keys of
// before stay.
func (k *keyring) renew() {
	changed, err := k.read()
	switch {
	case err != nil && changed:
		k.log.Error("the keys file has changed and is not used; the keys from before stay", "error", err)
	case changed:
		k.log.Info("the keys file has changed", "file", k.file, "keys", len(*k.keys.Load()))
	}
}

// read reads the file if it has changed since the last time.
func (k *keyring) read() (changed bool, err error) {
	text, err := os.ReadFile(k.file)
	if err != nil {
		changed, k.text = k.text != nil, nil
		return changed, fmt.Errorf("read keys: %w", err)
	}
	if k.text != nil && bytes.Equal(text, k.text) {
		return false, nil
	}
	k.text = text
	keys, err := k.parse(text)
	if err != nil {
		return true, err
	}
	k.keys.Store(&keys)
	return true, nil
}

// names are those of IAM's users.
var names = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)

// parse reads a keys file: access key, secret, name of a principal and its scopes
// on each line; # begins a comment. A principal may have several keys. Secrets
// never stand in an error.
func (k *keyring) parse(text []byte) (map[string]wire.Key, error) {
	keys := map[string]wire.Key{}
	scopes := map[string]wire.Scopes{} // by name
	lines := bufio.NewScanner(bytes.NewReader(text))
	for line := 1; lines.Scan(); line++ {
		words := strings.Fields(lines.Text())
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		key, err := k.key(words)
		if _, twice := keys[words[0]]; err == nil && twice {
			err = fmt.Errorf("the access key %s stands there twice", words[0])
		}
		if before, ok := scopes[key.Name]; err == nil && ok && before != key.Scopes {
			err = fmt.Errorf("%s has other scopes here than above; all keys of a principal have the same", key.Name)
		}
		if err != nil {
			return nil, fmt.Errorf("read keys: %s, line %d: %w", k.file, line, err)
		}
		keys[words[0]], scopes[key.Name] = key, key.Scopes
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("read keys: %s has none; add a line with an access key, a secret and a name", k.file)
	}
	return keys, nil
}

// key makes a key of the words of a line.
func (k *keyring) key(words []string) (wire.Key, error) {
	if len(words) < 2 || len(words) > 4 {
		return wire.Key{}, fmt.Errorf("give an access key, a secret, a name and scopes, separated by blanks")
	}
	if len(words[1]) < 16 {
		return wire.Key{}, fmt.Errorf("the secret of %s has fewer than 16 characters", words[0])
	}
	key := wire.Key{Secret: words[1], Name: words[0], Scopes: wire.AllScopes}
	if len(words) > 2 {
		key.Name = words[2]
	}
	if !names.MatchString(key.Name) {
		return wire.Key{}, fmt.Errorf("the third word is no name of a principal: letters, digits and +=,.@_-, at most 64")
	}
	if len(words) > 3 {
		var err error
		if key.Scopes, err = wire.ParseScopes(words[3]); err != nil {
			return wire.Key{}, err
		}
	}
	key.ARN = k.user + key.Name
	return key, nil
}
