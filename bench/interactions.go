package bench

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"

	"usher/internal/seed"
)

// Size of the made-up shop whose interactions WriteInteractions writes.
const (
	shopUsers = 200_000
	shopItems = 100_000
)

// InteractionsSchema is the schema of what WriteInteractions writes.
const InteractionsSchema = `{"type":"record","name":"Interactions","fields":[
	{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"EVENT_TYPE","type":"string"},
	{"name":"EVENT_VALUE","type":["null","float"]},{"name":"TIMESTAMP","type":"long"}],"version":"1.0"}`

// WriteInteractions writes so many rows of made-up interactions as CSV with a
// header: 200,000 users of whom few do much (the number of events falls with the
// square root of the rank), 100,000 items by Zipf's law, four event types of which
// the rarest carries a value, and a year of times in order. 10 million rows are
// about 373 MB. The same seed gives the same bytes.
func WriteInteractions(w io.Writer, rows int64, s seed.Seed) error {
	out := bufio.NewWriterSize(w, 1<<20)
	rnd := s.Branch("interactions").Rand()
	_, _ = out.WriteString("USER_ID,ITEM_ID,EVENT_TYPE,EVENT_VALUE,TIMESTAMP\n") // bufio keeps the error for Flush
	const year, start = 365 * 24 * 3600, 1_700_000_000
	var line []byte
	for row := range rows {
		u := rnd.Float64()
		user := uint64(shopUsers * u * u)
		item := uint64(math.Pow(shopItems, rnd.Float64())) - 1
		line = appendShopID(line[:0], 'u', user)
		line = append(appendShopID(append(line, ','), 'i', item), ',')
		switch t := rnd.IntN(100); {
		case t < 70:
			line = append(line, "view,"...)
		case t < 90:
			line = append(line, "click,"...)
		case t < 97:
			line = append(line, "cart,"...)
		default:
			line = append(line, "purchase,"...)
			line = strconv.AppendFloat(line, float64(100+rnd.IntN(9900))/100, 'f', 2, 64)
		}
		line = strconv.AppendInt(append(line, ','), start+row*year/rows, 10)
		_, _ = out.Write(append(line, '\n'))
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write interactions: %w", err)
	}
	return nil
}

// appendShopID writes a number so that neighbours look nothing alike: a letter and
// eight hexadecimal digits.
func appendShopID(b []byte, letter byte, n uint64) []byte {
	const digits = "0123456789abcdef"
	x := uint32(n+1) * 0x9e3779b1 // odd: no two numbers meet
	b = append(b, letter)
	for shift := 28; shift >= 0; shift -= 4 {
		b = append(b, digits[x>>shift&15])
	}
	return b
}
