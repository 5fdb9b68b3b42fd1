package node

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"usher/store"
)

// A data folder and a database belong together: the records of one name the blobs
// of the other. On SQLite the folder holds both. With PostgreSQL a file of the
// folder has a name by chance, which the database knows.

// folderFile is that file.
const folderFile = "postgres-folder"

// openFolder makes the data folder and gives its name, "" for one with SQLite. A
// folder of the other kind is refused.
func openFolder(dir string, shared bool) (string, error) {
	other, hint := filepath.Join(dir, folderFile), "give -database, or another -data folder"
	if shared {
		other, hint = filepath.Join(dir, "usher.db"), "leave -database out, or give another -data folder"
	}
	switch _, err := os.Stat(other); {
	case err == nil:
		return "", fmt.Errorf("the data folder %q belongs to another database: %s is there; %s", dir, filepath.Base(other), hint)
	case !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("open data folder: %w", err)
	case !shared:
		return "", nil
	}
	name, err := nameOf(dir)
	if err != nil {
		return "", fmt.Errorf("open data folder %q: %w", dir, err)
	}
	return name, nil
}

// nameOf reads the name of a folder and gives it one first if it has none. Of
// several processes that do so at once one is faster.
func nameOf(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	file := filepath.Join(dir, folderFile)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		mine := file + "." + rand.Text()
		if err := os.WriteFile(mine, []byte(rand.Text()+"\n"), 0o600); err != nil {
			return "", err
		}
		err := os.Link(mine, file)
		if err := errors.Join(ignore(err, fs.ErrExist), os.Remove(mine)); err != nil {
			return "", err
		}
	}
	name, err := os.ReadFile(file)
	if err == nil && len(bytes.TrimSpace(name)) == 0 {
		err = fmt.Errorf("%s is empty", file)
	}
	return string(bytes.TrimSpace(name)), err
}

func ignore(err, target error) error {
	if errors.Is(err, target) {
		return nil
	}
	return err
}

// claim refuses a database whose ARNs are of another account or region, and one
// whose blobs are in another folder.
func (n *Node) claim(ctx context.Context, d store.Documents, folder string) error {
	if folder != "" {
		have, err := d.Claim(ctx, "node/folder", []byte(folder))
		if err != nil {
			return err
		}
		if string(have) != folder {
			return fmt.Errorf("the database belongs to another data folder than %q: all its processes have to share one -data folder", n.opt.Dir)
		}
	}
	have, err := d.Claim(ctx, "node/arns", []byte(n.opt.Region+" "+n.opt.Account))
	if err != nil {
		return err
	}
	var region, account string
	if _, err := fmt.Sscanf(string(have), "%s %s", &region, &account); err != nil {
		return fmt.Errorf("data folder %q: read its region and account: %w", n.opt.Dir, err)
	}
	if region != n.opt.Region || account != n.opt.Account {
		return fmt.Errorf("the data folder %q holds resources of region %s and account %s: start usher with -region %s -account %s, or with another -data folder", n.opt.Dir, region, account, region, account)
	}
	return nil
}
