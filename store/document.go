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

// Get gives the value of a key, false when it has none.
func (d Documents) Get(ctx context.Context, key string) (value []byte, ok bool, err error) {
	err = d.db.View(ctx, func(tx *Tx) error {
		return tx.QueryRow("select value from document where key = $1", key).Scan(&value)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read document %q: %w", key, err)
	}
	return value, true, nil
}

// Put writes or replaces the value of a key; it is on disk on return.
func (d Documents) Put(ctx context.Context, key string, value []byte) error {
	err := d.db.Update(ctx, func(tx *Tx) error {
		_, err := tx.Exec("insert into document(key, value) values($1, $2) on conflict(key) do update set value = excluded.value", key, value)
		return err
	})
	if err != nil {
		return fmt.Errorf("write document %q: %w", key, err)
	}
	return nil
}

// Claim writes the value of a key unless it has one, and gives the one it has now.
// Of several callers, in any process, all get the same.
func (d Documents) Claim(ctx context.Context, key string, value []byte) (have []byte, err error) {
	err = d.db.Update(ctx, func(tx *Tx) error {
		if _, err := tx.Exec("insert into document(key, value) values($1, $2) on conflict(key) do nothing", key, value); err != nil {
			return err
		}
		return tx.QueryRow("select value from document where key = $1", key).Scan(&have)
	})
	if err != nil {
		return nil, fmt.Errorf("claim document %q: %w", key, err)
	}
	return have, nil
}

// Delete removes a key; it is no error when there is none.
func (d Documents) Delete(ctx context.Context, key string) error {
	err := d.db.Update(ctx, func(tx *Tx) error {
		_, err := tx.Exec("delete from document where key = $1", key)
		return err
	})
	if err != nil {
		return fmt.Errorf("delete document %q: %w", key, err)
	}
	return nil
}

// List gives the values of all keys that begin with prefix, in order of keys.
func (d Documents) List(ctx context.Context, prefix string) (values [][]byte, err error) {
	err = d.db.View(ctx, func(tx *Tx) error {
		rows, err := tx.Query("select value from document where substr(key, 1, length($1)) = $1 order by key", prefix)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var v []byte
			if err := rows.Scan(&v); err != nil {
				return err
			}
			values = append(values, v)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list documents %q: %w", prefix, err)
	}
	return values, nil
}
