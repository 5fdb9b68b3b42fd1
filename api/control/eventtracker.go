package control

import (
	"context"

	"usher/catalog"
	"usher/store"
	wire "usher/wire/personalize"
)

// CreateEventTracker gives a group its tracking id, which is good at once.
func (a *API) CreateEventTracker(ctx context.Context, in *wire.CreateEventTrackerInput) (*wire.CreateEventTrackerOutput, error) {
	tags, err := newTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	return write(ctx, a, func(tx *store.Tx) (*wire.CreateEventTrackerOutput, error) {
		g, err := getReady[catalog.DatasetGroup](tx, a, *in.DatasetGroupArn)
		if err != nil {
			return nil, err
		}
		others, _, err := catalog.List[catalog.EventTracker](tx, catalog.Query{Group: g.ARN})
		if err != nil {
			return nil, err
		}
		if len(others) > 0 {
			return nil, exists(others[0].ARN, " A dataset group has one event tracker: use this one (DescribeEventTracker shows its trackingId), or delete it first.")
		}
		arn, err := a.freshARN(tx, catalog.KindEventTracker)
		if err != nil {
			return nil, err
		}
		e := &catalog.EventTracker{
			Meta:      catalog.Meta{ARN: arn, Name: *in.Name, Group: g.ARN, Parent: g.ARN, Status: catalog.Active, Tags: tags},
			AccountID: a.opt.ARNs.Account, TrackingID: newTrackingID(),
		}
		if err := a.create(tx, e, unlimited); err != nil {
			return nil, err
		}
		return &wire.CreateEventTrackerOutput{EventTrackerArn: &e.ARN, TrackingId: &e.TrackingID}, nil
	})
}

// freshARN gives an ARN whose last part is eight hex digits that no other
// resource has: of an event tracker, or of a version of the solution named.
func (a *API) freshARN(tx *store.Tx, kind catalog.Kind, parts ...string) (string, error) {
	for {
		arn := a.opt.ARNs.Of(kind, append(parts[:len(parts):len(parts)], catalog.NewID()[:8])...)
		taken, err := takenARN(tx, arn)
		if err != nil || !taken {
			return arn, err
		}
	}
}

// newTrackingID gives a random UUID (version 4). It is a key that clients in
// browsers carry, so it must not be guessed from another.
func newTrackingID() string {
	h := []byte(catalog.NewID() + catalog.NewID())
	h[12] = '4'
	h[16] = "89ab"[h[16]&3]
	s := string(h)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// DescribeEventTracker shows an event tracker with its tracking id.
func (a *API) DescribeEventTracker(ctx context.Context, in *wire.DescribeEventTrackerInput) (*wire.DescribeEventTrackerOutput, error) {
	return read(ctx, a, func(tx *store.Tx) (*wire.DescribeEventTrackerOutput, error) {
		e, err := get[catalog.EventTracker](tx, a, *in.EventTrackerArn)
		if err != nil {
			return nil, err
		}
		return &wire.DescribeEventTrackerOutput{EventTracker: &wire.EventTracker{
			Name: &e.Name, EventTrackerArn: &e.ARN, AccountId: &e.AccountID, TrackingId: &e.TrackingID,
			DatasetGroupArn: &e.Group, Status: new(string(e.Status)), CreationDateTime: &e.Created, LastUpdatedDateTime: &e.Updated,
		}}, nil
	})
}

// ListEventTrackers lists the event trackers, that of one group if that is given.
func (a *API) ListEventTrackers(ctx context.Context, in *wire.ListEventTrackersInput) (*wire.ListEventTrackersOutput, error) {
	group, err := a.parseOptional(in.DatasetGroupArn, catalog.KindDatasetGroup)
	if err != nil {
		return nil, err
	}
	p := newPage("ListEventTrackers", in.NextToken, in.MaxResults, group)
	trackers, next, err := list(ctx, a, p, catalog.Query{Group: group}, func(e *catalog.EventTracker) wire.EventTrackerSummary {
		return wire.EventTrackerSummary{
			Name: &e.Name, EventTrackerArn: &e.ARN, Status: new(string(e.Status)),
			CreationDateTime: &e.Created, LastUpdatedDateTime: &e.Updated,
		}
	})
	if err != nil {
		return nil, err
	}
	return &wire.ListEventTrackersOutput{EventTrackers: trackers, NextToken: next}, nil
}

// DeleteEventTracker ends a tracking id; what was recorded with it stays.
func (a *API) DeleteEventTracker(ctx context.Context, in *wire.DeleteEventTrackerInput) (*wire.DeleteEventTrackerOutput, error) {
	if err := remove[catalog.EventTracker](ctx, a, *in.EventTrackerArn); err != nil {
		return nil, err
	}
	return &wire.DeleteEventTrackerOutput{}, nil
}
