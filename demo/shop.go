package demo

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"usher/internal/seed"
)

// Shop is a made-up store with customers who have tastes. It is what a real one
// looks like to a recommender, in small: few items sell much and many little;
// people come in sessions and stay with a theme; things go together (a tent,
// then a sleeping bag); seasons move demand; new articles appear all year. The
// same seed gives the same shop.
type Shop struct {
	Articles []Article
	Visits   []Visit // in order of time
}

// Article is something the shop sells.
type Article struct {
	ID          string
	Title       string
	Category    string
	Season      string // "summer", "winter" or "all year"
	Price       float64
	Created     int64 // Unix seconds
	Description string

	category int
	appeal   float64 // popularity, Zipf over the category
	follows  []int   // articles that are often looked at next
}

// Visit is one thing a customer did.
type Visit struct {
	Customer string
	Article  int
	Time     int64
	Event    string // View or Purchase
}

// Sizes of the shop.
const (
	articles = 800
	year     = 365 * 24 * 3600
	opening  = 1704067200 // 2024-01-01
)

// departments name the categories; things are the nouns of their articles.
var departments = []struct {
	name   string
	season string
	goes   int // the department people go on to
	things []string
}{
	{"Camping", "summer", 1, []string{"Tent", "Sleeping Bag", "Camp Stove", "Lantern", "Camp Chair", "Water Filter"}},
	{"Hiking", "summer", 0, []string{"Boots", "Backpack", "Trekking Poles", "Rain Jacket", "Map Case", "Gaiters"}},
	{"Climbing", "all year", 1, []string{"Harness", "Rope", "Carabiner Set", "Chalk Bag", "Helmet", "Climbing Shoes"}},
	{"Cycling", "summer", 4, []string{"Road Bike", "Helmet", "Bike Light", "Jersey", "Pannier", "Repair Kit"}},
	{"Running", "all year", 3, []string{"Running Shoes", "Shorts", "Running Watch", "Bottle Belt", "Headlamp", "Socks"}},
	{"Skiing", "winter", 6, []string{"Skis", "Ski Boots", "Goggles", "Ski Jacket", "Avalanche Probe", "Ski Poles"}},
	{"Winter Wear", "winter", 5, []string{"Down Jacket", "Wool Hat", "Gloves", "Base Layer", "Snow Boots", "Scarf"}},
	{"Paddling", "summer", 0, []string{"Kayak", "Paddle", "Dry Bag", "Life Vest", "Neoprene Shoes", "Canoe Seat"}},
	{"Travel", "all year", 9, []string{"Duffel", "Packing Cubes", "Neck Pillow", "Travel Adapter", "Money Belt", "Suitcase"}},
	{"Books & Maps", "all year", 8, []string{"Trail Guide", "Field Guide", "Road Atlas", "Climbing Topo", "Journal", "Star Chart"}},
}

var makers = []string{"Alpenrose", "Northbound", "Kestrel", "Lumen", "Granite", "Fjordline", "Summit", "Driftwood", "Aurora", "Pathfinder", "Wildhaus", "Tundra"}
var styles = []string{"Light", "Pro", "Classic", "Trail", "Compact", "Expedition", "Junior", "Comfort", "Ultra", "Everyday"}

// NewShop makes the shop of a seed with so many customers.
func NewShop(s seed.Seed, customers int) *Shop {
	shop := &Shop{}
	shop.stock(s.Branch("stock"))
	for c := range customers {
		shop.customer(c, s.Branch("customer", uint64(c)).Rand())
	}
	slices.SortStableFunc(shop.Visits, func(a, b Visit) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Customer, b.Customer))
	})
	return shop
}

// stock fills the shelves.
func (shop *Shop) stock(s seed.Seed) {
	rng := s.Rand()
	rank := make([]int, len(departments))
	seen := map[string]bool{}
	for len(shop.Articles) < articles {
		d := rng.IntN(len(departments))
		dep := departments[d]
		thing := dep.things[rng.IntN(len(dep.things))]
		maker, style := makers[rng.IntN(len(makers))], styles[rng.IntN(len(styles))]
		title := maker + " " + style + " " + thing
		if seen[title] {
			continue
		}
		seen[title] = true
		rank[d]++
		a := Article{
			ID: fmt.Sprintf("A%04d", len(shop.Articles)+1), Title: title, Category: dep.name, Season: dep.season,
			Price: math.Round(math.Exp(2.5+1.8*rng.Float64())*100) / 100, Created: opening - int64(rng.IntN(year)),
			category: d, appeal: 1 / math.Pow(float64(rank[d]), .8),
		}
		if len(shop.Articles)%5 == 0 { // a fifth appears during the year
			a.Created = opening + int64(rng.IntN(year*95/100))
			a.appeal = 1 / math.Pow(1+30*rng.Float64(), .8)
		}
		a.Description = fmt.Sprintf("The %s %s by %s. A %s %s for %s, made for the %s line.",
			strings.ToLower(style), strings.ToLower(thing), maker, strings.ToLower(a.Season), strings.ToLower(thing),
			strings.ToLower(dep.name), maker)
		shop.Articles = append(shop.Articles, a)
	}
	for i := range shop.Articles { // what goes together
		a := &shop.Articles[i]
		for len(a.follows) < 3 {
			j := rng.IntN(articles)
			if b := shop.Articles[j]; j != i && (b.category == a.category || b.category == departments[a.category].goes) {
				a.follows = append(a.follows, j)
			}
		}
	}
}

// customer lets one customer live through the year.
func (shop *Shop) customer(c int, rng *rand.Rand) {
	taste := make([]float64, len(departments))
	for range 1 + rng.IntN(3) {
		taste[rng.IntN(len(taste))] += 1 + rng.ExpFloat64()
	}
	for d := range taste {
		taste[d] += .04
	}
	id := fmt.Sprintf("C%05d", c+1)
	sessions := 1 + int(math.Min(40, 2.2/math.Pow(rng.Float64()+.004, .7)))
	joined := rng.Float64() * .8 // people keep coming after their first visit
	for range sessions {
		at := joined + (1-joined)*rng.Float64()
		shop.session(id, taste, opening+int64(at*year), rng)
	}
}

// session is one visit to the shop: a theme, and a walk along what goes together.
func (shop *Shop) session(customer string, taste []float64, now int64, rng *rand.Rand) {
	d := draw(rng, len(departments), func(i int) float64 { return taste[i] * season(departments[i].season, now) })
	var weights []float64
	at := -1
	for range 1 + min(9, int(rng.ExpFloat64()*2.5)) {
		next := -1
		if at >= 0 && rng.Float64() < .6 {
			next = shop.Articles[at].follows[rng.IntN(3)]
			if shop.Articles[next].Created > now {
				next = -1
			}
		}
		if next < 0 {
			weights = weights[:0]
			for _, a := range shop.Articles {
				w := 0.
				if a.category == d && a.Created <= now {
					w = a.appeal * (1 + 3*math.Exp(-float64(now-a.Created)/(20*24*3600))) // news draw people
				}
				weights = append(weights, w)
			}
			next = draw(rng, len(weights), func(i int) float64 { return weights[i] })
		}
		at = next
		now += 20 + int64(rng.ExpFloat64()*90)
		shop.Visits = append(shop.Visits, Visit{customer, at, now, "View"})
		if rng.Float64() < .12 {
			now += 30
			shop.Visits = append(shop.Visits, Visit{customer, at, now, "Purchase"})
		}
	}
}

// season gives how much a season's articles are wanted at a time of the year.
func season(s string, now int64) float64 {
	wave := math.Cos(2 * math.Pi * float64(now-opening) / year) // 1 in January
	switch s {
	case "winter":
		return math.Exp(1.2 * wave)
	case "summer":
		return math.Exp(-1.2 * wave)
	}
	return 1
}

// draw gives an index with probability proportional to its weight.
func draw(rng *rand.Rand, n int, weight func(int) float64) int {
	total := 0.
	for i := range n {
		total += weight(i)
	}
	x := rng.Float64() * total
	for i := range n {
		if x -= weight(i); x < 0 {
			return i
		}
	}
	return n - 1
}

// WriteInteractions writes the visits as a CSV for import.
func (shop *Shop) WriteInteractions(w io.Writer) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE"}}
	for _, v := range shop.Visits {
		rows = append(rows, []string{v.Customer, shop.Articles[v.Article].ID, strconv.FormatInt(v.Time, 10), v.Event})
	}
	return out.WriteAll(rows)
}

// WriteItems writes the articles as a CSV for import.
func (shop *Shop) WriteItems(w io.Writer) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"ITEM_ID", "TITLE", "CATEGORY", "SEASON", "PRICE", "CREATION_TIMESTAMP", "DESCRIPTION"}}
	for _, a := range shop.Articles {
		rows = append(rows, []string{a.ID, a.Title, a.Category, a.Season, strconv.FormatFloat(a.Price, 'f', 2, 64),
			strconv.FormatInt(a.Created, 10), a.Description})
	}
	return out.WriteAll(rows)
}
