package node

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"usher/wire"
)

// keyring holds the principals of the keys file by access key.
type keyring map[string]wire.Key

// lookup is what wire.Signatures asks; nil, which accepts anybody, for no keys.
func (k keyring) lookup() func(accessKey string) (wire.Key, bool) {
	if len(k) == 0 {
		return nil
	}
	return func(accessKey string) (wire.Key, bool) {
		key, ok := k[accessKey]
		return key, ok
	}
}

// readKeys reads a keys file: access key, secret and name of a principal on each
// line; # begins a comment. Secrets never stand in an error.
func readKeys(name string) (keyring, error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	defer f.Close()
	keys := keyring{}
	lines := bufio.NewScanner(f)
	for line := 1; lines.Scan(); line++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		words := strings.Fields(text)
		if len(words) < 2 || len(words) > 3 {
			return nil, fmt.Errorf("read keys: %s, line %d: give an access key, a secret and a name, separated by blanks", name, line)
		}
		if len(words[1]) < 16 {
			return nil, fmt.Errorf("read keys: %s, line %d: the secret of %s has fewer than 16 characters", name, line, words[0])
		}
		if _, ok := keys[words[0]]; ok {
			return nil, fmt.Errorf("read keys: %s, line %d: the access key %s stands there twice", name, line, words[0])
		}
		key := wire.Key{Secret: words[1], Name: words[0]}
		if len(words) == 3 {
			key.Name = words[2]
		}
		keys[words[0]] = key
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("read keys: %s has none; add a line with an access key, a secret and a name", name)
	}
	return keys, nil
}
