package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"usher/backup"
	"usher/blob/s3"
)

// backUp copies a data folder, also that of a running server.
func backUp(ctx context.Context, io stdio, args []string) error {
	dir, folder, err := backupWords(io, args, "backup", "TO", "copies a data folder to TO, also while a server is using it")
	if err != nil {
		return err
	}
	to, err := place(folder)
	if err != nil {
		return err
	}
	m, err := backup.Backup(ctx, dir, to, time.Now())
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
	from, err := place(folder)
	if err != nil {
		return err
	}
	m, err := backup.Restore(ctx, from, dir)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.out, "%d files, %d bytes of %s are in %s\n", len(m.Files), m.Bytes(), m.Time.Format(time.RFC3339), dir)
	return err
}

// place reads where a backup lies.
func place(words string) (backup.Place, error) {
	if !strings.HasPrefix(words, "s3://") {
		return backup.Folder(words), nil
	}
	return backup.ParseBucket(s3.New(s3.Options{
		Endpoint: cmp.Or(os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL")),
		Region:   cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION")), AccessKey: os.Getenv("AWS_ACCESS_KEY_ID"),
		Secret: os.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: os.Getenv("AWS_SESSION_TOKEN"), Now: time.Now,
	}), words)
}

// backupWords reads the words of both commands.
func backupWords(io stdio, args []string, command, other, about string) (dir, folder string, err error) {
	fs := flag.NewFlagSet("usher "+command, flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprintf(fs.Output(), "usher %s [-data DIR] %s\n    %s\n\n"+
			"%[2]s is a folder, or s3://bucket/prefix with the AWS clients' variables:\nAWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL.\n\n", command, other, about)
		fs.PrintDefaults()
	}
	fs.StringVar(&dir, "data", "usher-data", "the data `folder`")
	if err := parse(fs, io.err, args); err != nil {
		return "", "", err
	}
	if fs.NArg() != 1 {
		fs.Usage()
		return "", "", errUsage
	}
	return dir, fs.Arg(0), nil
}
