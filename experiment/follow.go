package experiment

import (
	"context"
	"encoding/json"
	"fmt"

	"usher/dataset"
	"usher/eventlog"
	"usher/history"
)

// follow reads the log on and stores the counts.
func (x *Experiments) follow(ctx context.Context, r *running) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	log := x.opt.Logs(r.Group)
	if err := r.remember(ctx, log); err != nil {
		return err
	}
	for rec, err := range log.Read(ctx, r.counts.Upto) {
		if err != nil {
			return fmt.Errorf("count events of experiment %q: %w", r.Name, err)
		}
		r.counts.Upto = rec.Offset
		arm, event, err := r.eventIn(rec)
		if err != nil {
			return fmt.Errorf("count events of experiment %q: %w", r.Name, err)
		}
		if event != nil && !r.seen.Repeated(event.Identity()) {
			r.counts.Events[arm][event.Type]++
		}
	}
	return x.save(ctx, r)
}

// remember learns, once, which events were counted last.
func (r *running) remember(ctx context.Context, log eventlog.Log) error {
	if r.seen != nil {
		return nil
	}
	seen, err := history.ReadEventIDs(ctx, log, r.counts.Upto, func(e *dataset.Interaction) bool {
		_, ok := r.ArmOf(e.RecommendationID)
		return ok
	})
	if err != nil {
		return fmt.Errorf("read events of experiment %q: %w", r.Name, err)
	}
	r.seen = &seen
	return nil
}

// eventIn gives the event in a record and its arm; nil if there is none of an arm.
func (r *running) eventIn(rec eventlog.Record) (arm int, event *dataset.Interaction, err error) {
	if dataset.IsBulk(rec.Data) {
		return 0, nil, nil
	}
	c, err := dataset.ParseChange(rec.Data)
	if err != nil || c.Interaction == nil {
		return 0, nil, err
	}
	arm, ok := r.ArmOf(c.Interaction.RecommendationID)
	if !ok {
		return 0, nil, nil
	}
	return arm, c.Interaction, nil
}

// save stores the counts. r.mu is held, or nobody else knows r.
func (x *Experiments) save(ctx context.Context, r *running) error {
	for i := range r.answers {
		r.counts.Answers[i] = r.answers[i].Load()
	}
	text, err := json.Marshal(r.counts)
	if err != nil {
		return err
	}
	return x.opt.Records.Put(ctx, countsPrefix+r.Name, text)
}
