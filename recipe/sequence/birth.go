package sequence

import (
	"math"
	"strings"
	"time"

	"usher/dataset"
)

// birth says where an item's record tells since when it is there: the column
// CREATION_TIMESTAMP; else one with a year, as a number or as the last one in a text
// ("Heat (1995)").
type birth struct {
	Column string `json:"column"`
	Year   bool   `json:"year,omitempty"` // it holds a year; else Unix seconds
}

// unborn stands for an item whose record does not tell.
const unborn = math.MinInt64

// hours gives a moment as it is kept: as an int32 of hours, in whose range it is put.
func hours(moment int64) uint32 {
	if moment == unborn {
		return 1 << 31 // noHour
	}
	return uint32(int32(min(max(moment/3600, noHour+1), math.MaxInt32)))
}

const noHour = math.MinInt32

// secondsOf gives the moment that hours made a number of.
func secondsOf(kept uint32) int64 {
	if h := int32(kept); h != noHour {
		return int64(h) * 3600
	}
	return unborn
}

// Years are numbers between these: earlier ones and numbers of other things are not
// taken for some.
const (
	yearFirst = 1850
	yearLast  = 2100
	toldLeast = .5 // the part of the records that has to tell
)

const createdColumn = "CREATION_TIMESTAMP"

// findBirth finds the column that tells of most records.
func findBirth(t *dataset.Table, items int) (best birth, ok bool) {
	if t == nil || t.Schema == nil {
		return best, false
	}
	most := 0.
	for at, field := range t.Schema.Fields {
		if at == t.Schema.ID() || field.Kind == dataset.Boolean || field.Kind == dataset.Vector {
			continue
		}
		b := birth{Column: field.Name, Year: !strings.EqualFold(field.Name, createdColumn)}
		told := b.tells(t, items)
		if !b.Year && told >= toldLeast {
			return b, true
		}
		if told > most {
			best, most = b, told
		}
	}
	return best, most >= toldLeast
}

// tells gives the part of the records that say when.
func (b *birth) tells(t *dataset.Table, items int) float64 {
	records, told := 0, 0
	for i := range items {
		row := t.Row(dataset.Index(i))
		if row == nil {
			continue
		}
		records++
		if b.of(t.Schema, row) != unborn {
			told++
		}
	}
	return float64(told) / float64(max(1, records))
}

// of gives since when an item is there, in Unix seconds; unborn where that is not said.
func (b *birth) of(s *dataset.Schema, row dataset.Row) int64 {
	if row == nil || s == nil {
		return unborn
	}
	at := s.Column(b.Column)
	if at < 0 || at >= len(row) || row[at].Kind == "" {
		return unborn
	}
	v := row[at]
	switch {
	case !b.Year && (v.Kind == dataset.Long || v.Kind == dataset.Int):
		return v.Int
	case !b.Year && (v.Kind == dataset.String || !(math.Abs(v.Num) < 1<<53)): // no moment of any time
		return unborn
	case !b.Year:
		return int64(v.Num)
	case v.Kind == dataset.String:
		return yearIn(v.Str)
	case v.Num != math.Trunc(v.Num):
		return unborn
	}
	return beginOf(v.Num)
}

// yearIn gives the beginning of the last year that a text names.
func yearIn(text string) int64 {
	for end := len(text); end > 0; {
		for end > 0 && !isDigit(text[end-1]) {
			end--
		}
		from := end
		for from > 0 && isDigit(text[from-1]) {
			from--
		}
		if end-from == 4 {
			year := 0.
			for _, c := range []byte(text[from:end]) {
				year = 10*year + float64(c-'0')
			}
			if at := beginOf(year); at != unborn {
				return at
			}
		}
		end = from
	}
	return unborn
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// beginOf gives the beginning of a year; unborn where a number is none.
func beginOf(year float64) int64 {
	if !(year >= yearFirst && year <= yearLast) {
		return unborn
	}
	return time.Date(int(year), 1, 1, 0, 0, 0, 0, time.UTC).Unix()
}
