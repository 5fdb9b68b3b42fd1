package s3server

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata")

// TestConversation holds every byte of some answers, headers included, against
// testdata/conversation.txt.
func TestConversation(t *testing.T) {
	s := openBuckets(t, t.TempDir())
	var out strings.Builder
	id := "UPLOADID" // of the upload, once it is known
	say := func(request, body string, headers ...string) answer {
		a := do(t, s, strings.ReplaceAll(request, "UPLOADID", id), body, headers...)
		var text strings.Builder
		fmt.Fprintf(&text, "%s\n", request)
		for i := 0; i < len(headers); i += 2 {
			fmt.Fprintf(&text, "%s: %s\n", headers[i], headers[i+1])
		}
		if body != "" {
			fmt.Fprintf(&text, "\n%s\n", body)
		}
		fmt.Fprintf(&text, "----\n%d\n", a.status)
		for _, name := range slices.Sorted(maps.Keys(a.header)) {
			fmt.Fprintf(&text, "%s: %s\n", name, strings.Join(a.header[name], " | "))
		}
		if a.body != "" {
			fmt.Fprintf(&text, "\n%s\n", strings.ReplaceAll(a.body, "><", ">\n<"))
		}
		out.WriteString(strings.ReplaceAll(text.String(), a.header.Get("X-Amz-Request-Id"), "REQUEST") + "\n")
		return a
	}
	say("PUT /movies", "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>")
	say("GET /", "")
	say("GET /movies?location", "")
	say("PUT /movies/a.csv", "USER_ID\n", "Content-Type", "text/csv", "X-Amz-Meta-Made-By", "test", "X-Amz-Sdk-Checksum-Algorithm", "CRC32")
	say("PUT /movies/folder/b%20c.csv", "ITEM_ID\n")
	say("GET /movies/a.csv", "", "X-Amz-Checksum-Mode", "ENABLED")
	say("HEAD /movies/a.csv", "")
	say("GET /movies/a.csv", "", "Range", "bytes=5-")
	say("GET /movies/none", "")
	say("GET /movies?delimiter=/", "")
	say("GET /movies?list-type=2&encoding-type=url&fetch-owner=true&max-keys=1", "")
	say("GET /movies?list-type=2&encoding-type=url&continuation-token=YS5jc3Y", "")
	say("GET /movies?versions", "")
	say("GET /movies/a.csv?acl", "")
	a := say("POST /movies/big?uploads", "", "X-Amz-Checksum-Algorithm", "CRC32")
	id = value(a.body, "UploadId")
	say("PUT /movies/big?partNumber=1&uploadId=UPLOADID", "the only part")
	say("GET /movies/big?uploadId=UPLOADID", "")
	say("GET /movies?uploads", "")
	say("POST /movies/big?uploadId=UPLOADID", `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"2fb5ad6ac0fa9ac0ef0ac5f7cf7c3d9d"</ETag></Part></CompleteMultipartUpload>`)
	say("POST /movies/big?uploadId=UPLOADID", `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"504273b20820fd7601eb2ed12719ff6d"</ETag></Part></CompleteMultipartUpload>`)
	say("PUT /movies/copy", "", "X-Amz-Copy-Source", "/movies/a.csv")
	say("POST /movies?delete", "<Delete><Object><Key>a.csv</Key></Object></Delete>")
	say("DELETE /movies", "")

	transcript := strings.ReplaceAll(out.String(), id, "UPLOADID")

	const golden = "testdata/conversation.txt"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(transcript), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	wanted, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	got, want := strings.Split(transcript, "\n"), strings.Split(string(wanted), "\n")
	for i := range got {
		if i >= len(want) || got[i] != want[i] {
			t.Fatalf("line %d of %s: got\n%s\nIf the change is meant, run go test ./blob/s3server -run Conversation -update", i+1, golden, strings.Join(got[max(0, i-5):min(len(got), i+5)], "\n"))
		}
	}
	if len(want) > len(got) {
		t.Errorf("%s has %d lines, got %d", golden, len(want), len(got))
	}
}
