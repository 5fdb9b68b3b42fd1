package store

import "fmt"

// notNow is an error of the machine that passes when somebody mends it.
type notNow struct {
	error
	text string // for clients
}

func (e *notNow) Unwrap() error { return e.error }

// NotNow is the text for clients: wire answers 503 with it, and they try again.
func (e *notNow) NotNow() string { return e.text }

// plain says in words what the machine did wrong.
func (db *DB) plain(err error) error {
	if err == nil {
		return nil
	}
	v := db.kind.judge(err)
	if v.text == "" {
		return err
	}
	err = fmt.Errorf("%s: %w", v.text, err)
	if v.client != "" {
		return &notNow{err, v.client}
	}
	return err
}

// explain is plain with the name of the database, for errors of the machine only.
func (db *DB) explain(err error) error {
	if p := db.plain(err); p != err {
		return fmt.Errorf("%s: %w", db.place, p)
	}
	return err
}
