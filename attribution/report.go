package attribution

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
)

// Reports are CSV files in the format of AWS's, at its paths, for each import that
// is told to publish one, and every 15 minutes of the live events that came.

// header is the first line of a report.
const header = "METRIC_NAME,EVENT_TYPE,VALUE,MATH_FUNCTION,EVENT_ATTRIBUTION_SOURCE,TIMESTAMP\n"

// livePutEvents is the import method of live events in the names of reports.
const livePutEvents = "PutEvents"

// newReport makes a report of what was counted.
func newReport(method string, stamp int64, counts map[cell]float64, list []meter) report {
	function := map[string]string{}
	for _, m := range list {
		function[m.Name] = m.function()
	}
	r := report{Name: fmt.Sprintf("AggregatedAttributionMetrics - %s - %d.csv", method, stamp)}
	for _, c := range sorted(counts) {
		if f := function[c.Metric]; f != "" {
			r.Lines = append(r.Lines, line{c.cell, f, c.N})
		}
	}
	return r
}

// appendCSV appends the text of a report.
func (r *report) appendCSV(b []byte) []byte {
	b = append(b, header...)
	for _, l := range r.Lines {
		for _, s := range []string{strings.ToUpper(l.Metric), l.Type, decimal(l.Value), l.Function, l.Source} {
			b = append(append(b, quoted(s)...), ',')
		}
		b = append(strconv.AppendInt(b, l.Window, 10), '\n')
	}
	return b
}

// decimal writes a number as AWS does: 12.0.
func decimal(x float64) string {
	s := strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// quoted puts a field of a CSV into quotes where it needs them.
func quoted(s string) string {
	if !strings.ContainsAny(s, ",\"\r\n") {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// due puts the report of live events into the outbox when its time has come. The
// first is due a window after the first event.
func (f *follower) due(now time.Time) {
	s := f.state
	if len(s.Pending) == 0 {
		return
	}
	if s.Next.IsZero() {
		s.Next, f.dirty = now.Truncate(window).Add(window), true
		return
	}
	if now.Before(s.Next) {
		return
	}
	if f.record.Output != "" {
		f.file(livePutEvents, now, s.Pending)
	}
	s.Pending, s.Next, f.dirty = map[cell]float64{}, time.Time{}, true
}

// write makes the objects of the reports in the outbox. Where there is no output any
// more they are not wanted.
func (f *follower) write(ctx context.Context) error {
	if f.record.Output == "" {
		return nil
	}
	folder := strings.TrimSuffix(strings.TrimPrefix(f.record.Output, "s3://"), "/") + "/"
	for i := range f.state.Outbox {
		r := &f.state.Outbox[i]
		if err := f.object(ctx, folder+r.Name, r.appendCSV(nil)); err != nil {
			return err
		}
	}
	return nil
}

func (f *follower) object(ctx context.Context, name string, text []byte) error {
	w, err := f.opt.Buckets.Create(ctx, name)
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := w.Write(text); err != nil {
		return err
	}
	return w.Commit()
}

// series names the series of a total.
func (f *follower) series(c cell) string {
	return fmt.Sprintf("usher_attributed_metric{MetricAttributionArn=%q,MetricName=%q,EVENT_TYPE=%q,EVENT_ATTRIBUTION_SOURCE=%q}", f.arn, c.Metric, c.Type, c.Source)
}

// show sets the series of the totals, and takes those away whose metric is gone.
func (f *follower) show() {
	of := map[string]bool{}
	for _, m := range f.meters {
		of[m.Name] = true
	}
	now := map[string]bool{}
	for c, n := range f.state.Totals {
		if !of[c.Metric] {
			continue
		}
		name := f.series(c)
		now[name] = true
		f.opt.Metrics.GetOrCreateGauge(name, nil).Set(n)
	}
	for name := range f.shown {
		if !now[name] {
			f.opt.Metrics.UnregisterMetric(name)
		}
	}
	f.shown = maps.Clone(now)
}

// hide takes all series away.
func (f *follower) hide() {
	for name := range f.shown {
		f.opt.Metrics.UnregisterMetric(name)
	}
}
