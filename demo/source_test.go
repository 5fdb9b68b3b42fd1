package demo

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestFromFiles(t *testing.T) {
	src, err := fromFiles([]File{
		{"clicks.csv", []byte("\ufeffuserId,movieId,rating,timestamp\nu1,m1,5,30\nu2,m2,4,10\nu1,\"m,3\",1,20\n")},
		{"movies.csv", []byte("movieId,Title\nm1,\"The \"\"First\"\"\"\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(src.interactions); got != "USER_ID,ITEM_ID,TIMESTAMP\nu1,m1,30\nu2,m2,10\nu1,\"m,3\",20\n" {
		t.Errorf("interactions: %s", got)
	}
	if src.title("m1") != `The "First"` || src.title("m2") != "m2" {
		t.Errorf("titles %v", src.titles)
	}
	if !slices.IsSortedFunc(src.rows, func(a, b row) int { return int(a.time - b.time) }) {
		t.Errorf("rows are not in order of time: %v", src.rows)
	}
	src, err = fromFiles([]File{{"x", []byte("EVENT_TYPE,USER_ID,ITEM_ID,TIMESTAMP\nbuy,u,i,1\n")}})
	if err != nil || string(src.interactions) != "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\nu,i,1,buy\n" || !strings.Contains(src.schema, "EVENT_TYPE") {
		t.Errorf("with event types: %v, %v", src, err)
	}
}

func TestFromFilesRefuses(t *testing.T) {
	for name, c := range map[string]struct{ interactions, titles, want string }{
		"empty":     {"", "", "clicks.csv is empty"},
		"no time":   {"user,item\na,b\n", "", "TIMESTAMP"},
		"bad time":  {"user,item,time\na,b,1\na,b,monday\n", "", `line 3: the time "monday"`},
		"ragged":    {"user,item,time\na,b\n", "", "line 2"},
		"no titles": {"user,item,time\na,b,1\n", "x,y\n1,2\n", "titles.csv"},
	} {
		files := []File{{"clicks.csv", []byte(c.interactions)}}
		if c.titles != "" {
			files = append(files, File{"titles.csv", []byte(c.titles)})
		}
		if _, err := fromFiles(files); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestShopIsLikeARealOne checks what a recommender finds in it.
func TestShopIsLikeARealOne(t *testing.T) {
	shop := NewShop(7, 400)
	perArticle := make([]int, len(shop.Articles))
	for i, v := range shop.Visits {
		perArticle[v.Article]++
		if i > 0 && v.Time < shop.Visits[i-1].Time {
			t.Fatal("visits are not in order of time")
		}
		if v.Time < shop.Articles[v.Article].Created {
			t.Fatalf("%s was looked at before it existed", shop.Articles[v.Article].ID)
		}
	}
	slices.Sort(perArticle)
	slices.Reverse(perArticle)
	top, all := 0, len(shop.Visits)
	for _, n := range perArticle[:len(perArticle)/10] {
		top += n
	}
	if share := float64(top) / float64(all); share < .25 || share > .9 {
		t.Errorf("a tenth of the articles has %.2f of the visits", share)
	}
	var a, b bytes.Buffer
	for _, x := range []struct {
		w    *bytes.Buffer
		shop *Shop
	}{{&a, shop}, {&b, NewShop(7, 400)}} {
		if err := x.shop.WriteInteractions(x.w); err != nil {
			t.Fatal(err)
		}
		if err := x.shop.WriteItems(x.w); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the same seed gave two shops")
	}
}
