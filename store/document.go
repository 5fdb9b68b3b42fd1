package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Documents keeps a few small values by key, for what is no resource of the
// catalog: roles and policies. All methods may be called concurrently.
type Documents struct{ db *DB }

// Documents gives the documents of the database.
func (db *DB) Documents() Documents { return Documents{db} }

// View runs fn on one state of the documents, which it must not change.
func (d Documents) View(ctx context.Context, fn func(tx DocumentTx) error) error {
	return d.db.View(ctx, func(tx *Tx) error { return fn(DocumentTx{tx}) })
}

// Update runs fn as one change: nobody, in any process, writes a document between
// what it reads and what it writes. After an error nothing of it remains.
func (d Documents) Update(ctx context.Context, fn func(tx DocumentTx) error) error {
	return d.db.Update(ctx, func(tx *Tx) error { return fn(DocumentTx{tx}) })
}

// Get gives the value of a key, false when it has none.
func (d Documents) Get(ctx context.Context, key string) (value []byte, ok bool, err error) {
	err = d.View(ctx, func(tx DocumentTx) (err error) {
		value, ok, err = tx.Get(key)
		return err
	})
	return value, ok, err
}

// Put writes or replaces the value of a key; it is on disk on return.
func (d Documents) Put(ctx context.Context, key string, value []byte) error {
	return d.Update(ctx, func(tx DocumentTx) error { return tx.Put(key, value) })
}

// Claim writes the value of a key unless it has one, and gives the one it has now.
// Of several callers, in any process, all get the same.
func (d Documents) Claim(ctx context.Context, key string, value []byte) (have []byte, err error) {
	err = d.Update(ctx, func(tx DocumentTx) error {
		var ok bool
		if have, ok, err = tx.Get(key); err != nil || ok {
			return err
		}
		have = value
		return tx.Put(key, value)
	})
	if err != nil {
		return nil, fmt.Errorf("claim document %q: %w", key, err)
	}
	return have, nil
}

// Delete removes a key; it is no error when there is none.
func (d Documents) Delete(ctx context.Context, key string) error {
	return d.Update(ctx, func(tx DocumentTx) error { return tx.Delete(key) })
}

// List gives the values of all keys that begin with prefix, in order of keys.
func (d Documents) List(ctx context.Context, prefix string) (values [][]byte, err error) {
	err = d.View(ctx, func(tx DocumentTx) (err error) {
		values, err = tx.List(prefix)
		return err
	})
	return values, err
}

// DocumentTx is the documents inside a transaction.
type DocumentTx struct{ tx *Tx }

// Get gives the value of a key, false when it has none.
func (d DocumentTx) Get(key string) (value []byte, ok bool, err error) {
	err = d.tx.QueryRow("select value from document where key = $1", key).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read document %q: %w", key, err)
	}
	return value, true, nil
}

// Put writes or replaces the value of a key.
func (d DocumentTx) Put(key string, value []byte) error {
	_, err := d.tx.Exec("insert into document(key, value) values($1, $2) on conflict(key) do update set value = excluded.value", key, value)
	if err != nil {
		return fmt.Errorf("write document %q: %w", key, err)
	}
	return nil
}

// Delete removes a key; it is no error when there is none.
func (d DocumentTx) Delete(key string) error {
	if _, err := d.tx.Exec("delete from document where key = $1", key); err != nil {
		return fmt.Errorf("delete document %q: %w", key, err)
	}
	return nil
}

// List gives the values of all keys that begin with prefix, in order of keys.
func (d DocumentTx) List(prefix string) (values [][]byte, err error) {
	rows, err := d.tx.Query("select value from document where substr(key, 1, length($1)) = $1 order by key", prefix)
	if err != nil {
		return nil, fmt.Errorf("list documents %q: %w", prefix, err)
	}
	defer rows.Close()
	for rows.Next() {
		var v []byte
		if err := rows.Scan(&v); err != nil {
			return nil, fmt.Errorf("list documents %q: %w", prefix, err)
		}
		values = append(values, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list documents %q: %w", prefix, err)
	}
	return values, nil
}
