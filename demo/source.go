package demo

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"usher/internal/seed"
)

// source is the data that the walk takes through the API.
type source struct {
	about        string
	interactions []byte // CSV for import
	items        []byte // CSV for import; nil without
	schema       string // of interactions
	itemSchema   string
	titles       map[string]string // item id → what people call it
	rows         []row             // oldest first
}

// row is one interaction.
type row struct {
	user, item, event string
	time              int64
}

// title gives what people call an item.
func (s *source) title(item string) string {
	if t := s.titles[item]; t != "" {
		return t
	}
	return item
}

const (
	schemaHead = `{"type":"record","name":"Interactions","namespace":"com.amazonaws.personalize.schema","fields":[{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"}`
	eventField = `,{"name":"EVENT_TYPE","type":"string"}`
	schemaTail = `],"version":"1.0"}`

	shopItems = `{"type":"record","name":"Items","namespace":"com.amazonaws.personalize.schema","fields":[{"name":"ITEM_ID","type":"string"},{"name":"TITLE","type":"string"},{"name":"CATEGORY","type":"string","categorical":true},{"name":"SEASON","type":"string","categorical":true},{"name":"PRICE","type":"float"},{"name":"CREATION_TIMESTAMP","type":"long"},{"name":"DESCRIPTION","type":["null","string"],"textual":true}],"version":"1.0"}`
)

// fromShop makes the walk's data of a made-up shop.
func fromShop(s seed.Seed, customers int) (*source, error) {
	shop := NewShop(s, customers)
	var interactions, items bytes.Buffer
	if err := errors.Join(shop.WriteInteractions(&interactions), shop.WriteItems(&items)); err != nil {
		return nil, err
	}
	src := &source{
		interactions: interactions.Bytes(), items: items.Bytes(),
		schema: schemaHead + eventField + schemaTail, itemSchema: shopItems, titles: map[string]string{},
	}
	for _, a := range shop.Articles {
		src.titles[a.ID] = a.Title
	}
	users := map[string]bool{}
	for _, v := range shop.Visits {
		users[v.Customer] = true
		src.rows = append(src.rows, row{v.Customer, shop.Articles[v.Article].ID, v.Event, v.Time})
	}
	src.about = fmt.Sprintf("a made-up outdoor shop: %d customers, %d articles, %d interactions over a year",
		len(users), len(shop.Articles), len(src.rows))
	return src, nil
}

// Columns by which a file of interactions is understood, as people name them.
var (
	userColumns  = []string{"userid", "user", "uid", "customerid", "customer", "visitorid", "personid"}
	itemColumns  = []string{"itemid", "item", "movieid", "productid", "product", "articleid", "contentid", "sku"}
	timeColumns  = []string{"timestamp", "time", "ts", "unixtime"}
	eventColumns = []string{"eventtype", "event", "type"}
	titleColumns = []string{"title", "name", "itemname", "productname"}
)

// File is a customer's CSV file.
type File struct {
	Name string
	Data []byte
}

// fromFiles makes the walk's data of a file of interactions and, if there is a
// second file, the titles in it.
func fromFiles(files []File) (*source, error) {
	head, rows, err := read(files[0])
	if err != nil {
		return nil, err
	}
	user, item, at, event := column(head, userColumns), column(head, itemColumns), column(head, timeColumns), column(head, eventColumns)
	if user < 0 || item < 0 || at < 0 {
		return nil, fmt.Errorf("%s: the header %q has no column for the user, the item or the time. Name them USER_ID, ITEM_ID and TIMESTAMP (Unix seconds)", files[0].Name, strings.Join(head, ","))
	}
	src := &source{schema: schemaHead + schemaTail, titles: map[string]string{}}
	names := []string{"USER_ID", "ITEM_ID", "TIMESTAMP"}
	if event >= 0 {
		src.schema = schemaHead + eventField + schemaTail
		names = append(names, "EVENT_TYPE")
	}
	out := [][]string{names}
	users, items := map[string]bool{}, map[string]bool{}
	for n, r := range rows {
		t, err := strconv.ParseInt(r[at], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: the time %q is not Unix time in seconds", files[0].Name, n+2, r[at])
		}
		x := row{user: r[user], item: r[item], time: t}
		line := []string{x.user, x.item, r[at]}
		if event >= 0 {
			x.event = r[event]
			line = append(line, x.event)
		}
		users[x.user], items[x.item] = true, true
		src.rows, out = append(src.rows, x), append(out, line)
	}
	slices.SortStableFunc(src.rows, func(a, b row) int { return cmp.Compare(a.time, b.time) })
	var b bytes.Buffer
	if err := csv.NewWriter(&b).WriteAll(out); err != nil {
		return nil, err
	}
	src.interactions = b.Bytes()
	src.about = fmt.Sprintf("%s: %d users, %d items, %d interactions", files[0].Name, len(users), len(items), len(src.rows))
	if len(files) > 1 {
		return src, src.readTitles(files[1])
	}
	return src, nil
}

func (s *source) readTitles(f File) error {
	head, rows, err := read(f)
	if err != nil {
		return err
	}
	item, title := column(head, itemColumns), column(head, titleColumns)
	if item < 0 || title < 0 {
		return fmt.Errorf("%s: the header %q has no column for the item or its title. Name them ITEM_ID and TITLE", f.Name, strings.Join(head, ","))
	}
	for _, r := range rows {
		s.titles[r[item]] = r[title]
	}
	return nil
}

// read parses a CSV file with a header.
func read(f File) (head []string, rows [][]string, err error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(f.Data, []byte("\ufeff"))))
	if head, err = r.Read(); err == io.EOF {
		return nil, nil, fmt.Errorf("%s is empty", f.Name)
	}
	if err == nil {
		rows, err = r.ReadAll()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	return head, rows, nil
}

// column finds a column by the names that people give it, whatever their case
// and underscores; -1 if there is none.
func column(head, names []string) int {
	for _, n := range names {
		for i, h := range head {
			if strings.ReplaceAll(strings.ToLower(strings.TrimSpace(h)), "_", "") == n {
				return i
			}
		}
	}
	return -1
}
