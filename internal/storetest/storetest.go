// Package storetest says on which database tests run.
//
// Tests run on SQLite. With USHER_POSTGRES, the address of a PostgreSQL server on
// which its user may make schemas, the same tests run there: each test gets a
// schema of its own, which is gone when the test has ended.
package storetest

import (
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
)

// variable names the server.
const variable = "USHER_POSTGRES"

// Database gives the address of an empty database for store.Options, "" for SQLite.
func Database(t testing.TB) string {
	t.Helper()
	server := os.Getenv(variable)
	if server == "" {
		return ""
	}
	return fresh(t, server)
}

// Postgres gives the address of an empty PostgreSQL database, and skips the test
// where there is no server.
func Postgres(t testing.TB) string {
	t.Helper()
	server := os.Getenv(variable)
	if server == "" {
		t.Skip(variable + " names no PostgreSQL server")
	}
	return fresh(t, server)
}

// fresh makes a schema and gives the address that leads to it.
func fresh(t testing.TB, server string) string {
	t.Helper()
	db, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	name := "usher_test_" + strings.ToLower(rand.Text())
	if _, err := db.Exec("create schema " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.Exec("drop schema " + name + " cascade"); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", name)
	q.Set("application_name", name) // tells the sessions of a test from others'
	u.RawQuery = q.Encode()
	return u.String()
}
