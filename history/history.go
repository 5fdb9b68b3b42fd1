// Package history knows what is known now about each user and item of a
// dataset group: bulk data and live events in one list, in log order.
package history

import (
	"context"

	"usher/blob"
	"usher/dataset"
	"usher/eventlog"
)

// Options configure a History.
type Options struct {
	Logs  func(group string) eventlog.Log // the log of a group, by the group's catalog ID
	Blobs blob.Store                      // parts
}

// History follows the logs of all groups. All methods may be called concurrently.
type History struct {
}

// New gives a History that has loaded nothing yet.
func New(opt Options) *History { panic("todo") }

// Close stops following.
func (h *History) Close() error { panic("todo") }

// Group gives the group with that catalog ID, caught up with the log as it was
// when Group was called. It is loaded on first use and then follows its log.
func (h *History) Group(ctx context.Context, id string) (*Group, error) { panic("todo") }

// Drop forgets a deleted group.
func (h *History) Drop(id string) { panic("todo") }

// Group is the state of one dataset group. All methods may be called
// concurrently; slices that they return do not change and must not be changed.
type Group struct {
}

// Wait returns when everything up to offset has been applied.
func (g *Group) Wait(ctx context.Context, offset eventlog.Offset) error { panic("todo") }

// User gives the number of a user id (or of an anonymous visitor's session id), NoIndex if unknown.
func (g *Group) User(id string) dataset.Index { panic("todo") }

// Item gives the number of an item id, NoIndex if unknown.
func (g *Group) Item(id string) dataset.Index { panic("todo") }

// ItemID gives the id of a number that Item or a model gave.
func (g *Group) ItemID(i dataset.Index) string { panic("todo") }

// Events gives a user's events, oldest first, imported and live, those of
// sessions that were joined to the user included.
func (g *Group) Events(u dataset.Index) []dataset.Event { panic("todo") }

// Snapshot freezes the group as it is now, everything before the call included.
func (g *Group) Snapshot(ctx context.Context) (*dataset.Snapshot, error) { panic("todo") }
