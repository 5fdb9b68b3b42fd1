package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgres is a PostgreSQL database, which several processes may use.
type postgres struct {
	url string
	dir string // the folder that the processes share; ""

	config *pgx.ConnConfig
	feed   feed
}

// Bounds on a database that does not answer, and on a process that stops in the
// middle of a transaction: nobody else writes for so long.
const (
	dialTime  = 10 * time.Second
	stuckTime = 30 * time.Second
	idleTime  = 10 * time.Second
)

// place names the database without its password.
func (p *postgres) place() string {
	c, err := pgx.ParseConfig(p.url)
	if err != nil {
		return "database"
	}
	return fmt.Sprintf("database %q", net.JoinHostPort(c.Host, fmt.Sprint(c.Port))+"/"+c.Database)
}

// connect implements dialect.
func (p *postgres) connect(_ context.Context, db *DB) (err error) {
	if p.config, err = pgx.ParseConfig(p.url); err != nil {
		return fmt.Errorf("-database is not the address of a PostgreSQL database, like postgres://user@host/name: %w", err)
	}
	if p.dir != "" {
		if p.dir, err = filepath.Abs(p.dir); err != nil {
			return err
		}
		unlock, err := takeFolder(p.dir, true)
		if err != nil {
			return fmt.Errorf("%s: %w, with SQLite", folder(p.dir), err)
		}
		db.release = append(db.release, unlock)
	}
	p.feed.me = db.process
	db.release = append(db.release, p.feed.leave) // after follow has ended
	if p.config.ConnectTimeout == 0 {
		p.config.ConnectTimeout = dialTime
	}
	alive := net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 5 * time.Second, Count: 3}
	p.config.DialFunc = (&net.Dialer{KeepAliveConfig: alive}).DialContext
	if p.config.RuntimeParams["application_name"] == "" {
		p.config.RuntimeParams["application_name"] = "usher"
	}
	db.write = stdlib.OpenDB(*p.config, stdlib.OptionAfterConnect(p.asWriter))
	db.write.SetMaxOpenConns(1)
	db.read = stdlib.OpenDB(*p.config)
	n := max(8, 2*runtime.GOMAXPROCS(0))
	db.read.SetMaxOpenConns(n)
	db.read.SetMaxIdleConns(n)
	return nil
}

// asWriter prepares a connection to write: what it commits is on disk, and when
// its process stops in the middle of a transaction or is out of reach, the
// database ends it, so that others can write.
func (p *postgres) asWriter(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, fmt.Sprintf(`set idle_in_transaction_session_timeout = %d; set tcp_user_timeout = %[1]d;
		select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'`, idleTime.Milliseconds()))
	return err
}

// migrating is the key of the lock under which a process makes the schema.
const migrating = 0x7573686572 // "usher"

// prepare implements dialect.
func (p *postgres) prepare(ctx context.Context, conn *sql.Conn) error {
	if err := p.suits(ctx, conn); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, fmt.Sprintf("begin; select pg_advisory_xact_lock(%d)", migrating)); err != nil {
		return err
	}
	if err := p.migrate(ctx, conn); err != nil {
		_, _ = conn.ExecContext(ctx, "rollback") // it says so when the connection is gone
		return err
	}
	if _, err := conn.ExecContext(ctx, "commit"); err != nil {
		return err
	}
	if err := p.feed.open(ctx, conn); err != nil {
		return err
	}
	return p.feed.join(ctx, p.config)
}

// suits refuses a database that cannot hold usher's data.
func (p *postgres) suits(ctx context.Context, conn *sql.Conn) error {
	var version int
	var encoding string
	err := conn.QueryRowContext(ctx, "select current_setting('server_version_num')::int, current_setting('server_encoding')").Scan(&version, &encoding)
	switch {
	case err != nil:
		return err
	case version < 130000:
		return fmt.Errorf("it is PostgreSQL %d; usher needs 13 or later", version/10000)
	case encoding != "UTF8":
		return fmt.Errorf("its encoding is %s; make one with: create database usher encoding 'UTF8' template template0", encoding)
	}
	return nil
}

// migrate applies the migrations that the database has not seen.
func (p *postgres) migrate(ctx context.Context, conn *sql.Conn) error {
	var made bool
	if err := conn.QueryRowContext(ctx, "select to_regclass('meta') is not null").Scan(&made); err != nil {
		return err
	}
	have := 0
	if made {
		err := conn.QueryRowContext(ctx, "select value::int from meta where key = 'schema'").Scan(&have)
		if err != nil {
			return fmt.Errorf("it has a table meta that is not usher's (%w); give usher a database of its own", err)
		}
	}
	if err := checkSchema(have); err != nil || have == schema() {
		return err
	}
	texts, err := steps(have, inPostgres, true)
	if err != nil {
		return err
	}
	texts = append(texts, fmt.Sprintf("insert into meta(key, value) values('schema', '%d') on conflict(key) do update set value = excluded.value", schema()))
	for _, text := range texts {
		if _, err := conn.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("migrate from schema %d to %d: %w", have, schema(), err)
		}
	}
	return nil
}

// column begins the definition of one in a migration.
const column = `(?m)^(\s+\w+|alter table \w+ add column \w+)`

var (
	textColumn = regexp.MustCompile(column + ` text\b`)
	blobColumn = regexp.MustCompile(column + ` blob\b`)
	idColumn   = regexp.MustCompile(column + ` integer primary key\b`)
)

// inPostgres writes a migration's columns as PostgreSQL has them. Text is ordered
// by bytes, as SQLite does.
func inPostgres(text string) string {
	text = textColumn.ReplaceAllString(text, `$1 text collate "C"`)
	text = blobColumn.ReplaceAllString(text, `$1 bytea`)
	return idColumn.ReplaceAllString(text, `$1 bigint generated by default as identity primary key`)
}

// finish implements dialect.
func (p *postgres) finish(context.Context, *sql.Conn) error { return nil }

// begin implements dialect.
func (p *postgres) begin() string { return "begin; lock table writer in exclusive mode" }

// bound implements shared.
func (p *postgres) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, stuckTime)
}

// errFailed says that a statement's error was overlooked.
var errFailed = errors.New("store: internal error: an error of a statement was overlooked")

// failed implements shared.
func (p *postgres) failed(conn *sql.Conn) error {
	return conn.Raw(func(driver any) error {
		if driver.(*stdlib.Conn).Conn().PgConn().TxStatus() != 'T' {
			return errFailed
		}
		return nil
	})
}

// announce implements shared.
func (p *postgres) announce(ctx context.Context, conn *sql.Conn, notes []note) error {
	return p.feed.announce(ctx, conn, notes)
}

// follow implements shared.
func (p *postgres) follow(ctx context.Context, tell func([]note)) { p.feed.follow(ctx, p.config, tell) }
