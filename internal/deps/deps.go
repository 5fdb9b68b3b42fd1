// Package deps holds direct dependencies in go.mod until their rooms are built.
package deps

import (
	_ "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	_ "github.com/johannesboyne/gofakes3"
	_ "github.com/parquet-go/parquet-go"
	_ "github.com/rogpeppe/go-internal/testscript"
	_ "golang.org/x/sys/cpu"
	_ "modernc.org/sqlite"
)
