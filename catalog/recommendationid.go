package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Eight digits in the middle of a recommendationId stand for the campaign or
// recommender that gave the answer, so that an event that carries it tells where it
// came from, after a restart too and without a record of each answer. The last
// twelve are left to experiments.

// Where the digits are, the dash between them included.
const (
	originFrom = len("RID-01234567-89ab-")
	originTo   = originFrom + len("cdef-0123")
)

// Origin is what a recommendationId has for the ARN of who gave the answer.
type Origin string

// OriginOf gives the origin of an ARN.
func OriginOf(arn string) Origin {
	sum := sha256.Sum256([]byte(arn))
	h := hex.EncodeToString(sum[:4])
	return Origin(h[:4] + "-" + h[4:])
}

// RecommendationID puts the origin of an ARN into an id like
// RID-01234567-89ab-cdef-0123-456789abcdef. One of another form stays as it is.
func RecommendationID(id, arn string) string {
	if !isRecommendationID(id) {
		return id
	}
	return id[:originFrom] + string(OriginOf(arn)) + id[originTo:]
}

// OriginIn gives the origin that a recommendationId has; false if it is not one of
// ours.
func OriginIn(id string) (Origin, bool) {
	if !isRecommendationID(id) {
		return "", false
	}
	return Origin(id[originFrom:originTo]), true
}

func isRecommendationID(id string) bool {
	const example = "RID-01234567-89ab-cdef-0123-456789abcdef"
	if len(id) != len(example) || !strings.HasPrefix(id, "RID-") {
		return false
	}
	for i := 4; i < len(id); i++ {
		if (id[i] == '-') != (example[i] == '-') {
			return false
		}
	}
	return true
}
