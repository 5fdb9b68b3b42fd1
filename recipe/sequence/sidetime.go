package sequence

import (
	"math/bits"
	"strconv"
	"time"

	"usher/dataset"
)

// The time side: how long ago the user's last event was, by powers of two of half
// hours, the hour of the day and the day of the week (UTC), of an event in training
// and of the moment of a question. Within half an hour all is alike: a question comes
// right after the last event, the next event some time later, and neither says how
// fast a visit goes. Data whose times tell nothing have nothing of it.
const (
	gapUnit     = 1800
	gapsMost    = 32 // 2³² half hours are longer than any history
	hoursOfWeek = 7 * 24
)

// clockTable has a row for each gap, from 1, and hour of a week; gap 0 is that of
// first events, which have none.
var clockTable = func() *dataset.Table {
	s := &dataset.Schema{Type: dataset.Interactions}
	for _, name := range []string{"GAP", "HOUR", "WEEKDAY"} {
		s.Fields = append(s.Fields, dataset.Field{Name: name, Kind: dataset.String, Nullable: true, Categorical: true})
	}
	t := dataset.NewTable(s)
	text := func(n int) dataset.Value { return dataset.Value{Kind: dataset.String, Str: strconv.Itoa(n)} }
	for gap := range gapsMost + 1 {
		for hour := range hoursOfWeek {
			row := dataset.Row{{}, text(hour % 24), text(hour / 24)}
			if gap > 0 {
				row[0] = text(gap)
			}
			t.Set(dataset.Index(gap*hoursOfWeek+hour), row)
		}
	}
	return t
}()

// clock gives the row of a moment, for a user whose last event was at another; no
// last event: known is false.
func clock(now, last int64, known bool) dataset.Index {
	gap := 0
	if known {
		gap = 1 + min(gapsMost-1, bits.Len64(uint64(max(0, now-last)/gapUnit)))
	}
	at := time.Unix(now, 0).UTC()
	return dataset.Index(gap*hoursOfWeek + 24*int(at.Weekday()) + at.Hour())
}

// clockOf gives the row of an event at a place of the data.
func clockOf(data *dataset.Snapshot, u dataset.Index, place int64) dataset.Index {
	before := place - 1
	if before < data.Start[u] {
		return clock(data.Events[place].Time, 0, false)
	}
	return clock(data.Events[place].Time, data.Events[before].Time, true)
}

// hearClock appends what the moment of a question says; of no moment: nothing.
func (s *side) hearClock(now time.Time, history []dataset.Event, to []spoken) []spoken {
	if len(s.columns) == 0 || now.IsZero() {
		return to
	}
	row := clock(now.Unix(), 0, false)
	if n := len(history); n > 0 {
		row = clock(now.Unix(), history[n-1].Time, true)
	}
	return s.hearRecord(clockTable.Schema, clockTable.Row(row), to)
}
