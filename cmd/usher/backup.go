package main

import (
	"context"
	"flag"
	"fmt"
	"time"

	"usher/backup"
)

// backUp copies a data folder, also that of a running server.
func backUp(ctx context.Context, io stdio, args []string) error {
	dir, folder, err := backupWords(io, args, "backup", "TO", "copies a data folder into the new folder TO, also while a server is using it")
	if err != nil {
		return err
	}
	m, err := backup.Backup(ctx, dir, folder, time.Now())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.out, "%d files, %d bytes are in %s\n", len(m.Files), m.Bytes(), folder)
	return err
}

// restore puts a backup back.
func restore(ctx context.Context, io stdio, args []string) error {
	dir, folder, err := backupWords(io, args, "restore", "FROM", "makes a new data folder of the backup in FROM, and checks all of it")
	if err != nil {
		return err
	}
	m, err := backup.Restore(ctx, folder, dir)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.out, "%d files, %d bytes of %s are in %s\n", len(m.Files), m.Bytes(), m.Time.Format(time.RFC3339), dir)
	return err
}

// backupWords reads the words of both commands.
func backupWords(io stdio, args []string, command, other, about string) (dir, folder string, err error) {
	fs := flag.NewFlagSet("usher "+command, flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprintf(fs.Output(), "usher %s [-data DIR] %s\n    %s\n\n", command, other, about)
		fs.PrintDefaults()
	}
	fs.StringVar(&dir, "data", "usher-data", "data `folder`")
	if err := parse(fs, io.err, args); err != nil {
		return "", "", err
	}
	if fs.NArg() != 1 {
		fs.Usage()
		return "", "", errUsage
	}
	return dir, fs.Arg(0), nil
}
