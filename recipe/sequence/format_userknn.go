package sequence

import (
	"slices"

	"usher/recipe/internal/modelfile"
)

// userHead is what the head of a model file says of a userKNN. A nil one stands for a
// model without.
type userHead struct {
	Users int64 `json:"users"` // kept
	Items int64 `json:"items"` // kept of all of them
	Had   int64 `json:"had"`   // users listed for all items
}

func (k *userKNN) head() *userHead {
	if k == nil {
		return nil
	}
	return &userHead{int64(len(k.users)), int64(len(k.items)), int64(len(k.had))}
}

// fits says whether a file of this size can hold what the head says.
func (h *userHead) fits(size int64) bool {
	if h == nil {
		return true
	}
	for _, n := range []int64{h.Users, h.Items, h.Had} {
		if n < 0 || n > size {
			return false
		}
	}
	return true
}

// The names of the sections of a userKNN, in the order of its fields.
const (
	userSection         = "similar users"
	userStartSection    = "similar users starts"
	userItemSection     = "similar users items"
	userLengthSection   = "similar users lengths"
	userRaritySection   = "similar users rarity"
	userHadStartSection = "similar users had starts"
	userHadSection      = "similar users had"
)

func (k *userKNN) sections() []modelfile.Section {
	if k == nil {
		return nil
	}
	return []modelfile.Section{
		modelfile.Numbers(userSection, k.users),
		modelfile.Numbers(userStartSection, k.start),
		modelfile.Numbers(userItemSection, k.items),
		modelfile.Numbers(userLengthSection, k.length),
		modelfile.Numbers(userRaritySection, k.rarity),
		modelfile.Numbers(userHadStartSection, k.hadStart),
		modelfile.Numbers(userHadSection, k.had),
	}
}

// take takes a userKNN out of a file; nil where there is none.
func (h *userHead) take(f *modelfile.File, rows int64) *userKNN {
	if h == nil {
		return nil
	}
	return &userKNN{
		users:    modelfile.TakeNumbers[uint32](f, userSection, h.Users),
		start:    modelfile.TakeNumbers[uint32](f, userStartSection, h.Users+1),
		items:    modelfile.TakeNumbers[uint32](f, userItemSection, h.Items),
		length:   modelfile.TakeNumbers[float32](f, userLengthSection, h.Users),
		rarity:   modelfile.TakeNumbers[float32](f, userRaritySection, rows),
		hadStart: modelfile.TakeNumbers[uint32](f, userHadStartSection, rows+1),
		had:      modelfile.TakeNumbers[uint32](f, userHadSection, h.Had),
	}
}

// sound says whether all lists lie in their table, and name users and items that there
// are, each once and few enough; whether lengths can be divided by, and sums of rarities
// are some that are cleared again.
func (k *userKNN) sound(items int) bool {
	return k == nil || listsSound(k.start, k.items, items, historyMost) && listsSound(k.hadStart, k.had, len(k.users), hadMost) &&
		!slices.ContainsFunc(k.length, func(x float32) bool { return !(x > 0) }) &&
		!slices.ContainsFunc(k.rarity, func(x float32) bool { return !(x >= 0 && x <= rarityMost) })
}

// listsSound says whether lists, which begin and end where start says, are of at most
// so many numbers below a limit, which ascend.
func listsSound(start, ids []uint32, limit, most int) bool {
	last := len(start) - 1
	if start[0] != 0 || int(start[last]) != len(ids) {
		return false
	}
	for a := range last {
		i, j := start[a], start[a+1]
		if i > j || int(j) > len(ids) || int(j-i) > most {
			return false
		}
		for at, id := range ids[i:j] {
			if int(id) >= limit || at > 0 && id <= ids[int(i)+at-1] {
				return false
			}
		}
	}
	return true
}
