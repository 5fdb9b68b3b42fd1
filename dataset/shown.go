package dataset

import "sort"

// Exposure is an item that a user was shown and did not choose.
type Exposure struct {
	Time int64 // Unix seconds: of the event that told of it
	Item Index
}

// Shown is what users were shown, by impressions, and did not choose: of each user
// the newest. It does not change; nil: nothing is known of that.
type Shown struct {
	// Start and List are as Snapshot's Start and Events: those of user u are
	// List[Start[u]:Start[u+1]], oldest first.
	Start []int64
	List  []Exposure
}

// Of gives what a user was shown, oldest first. The caller must not change it.
func (s *Shown) Of(u Index) []Exposure {
	if s == nil || int64(u) >= int64(len(s.Start)-1) {
		return nil
	}
	return s.List[s.Start[u]:s.Start[u+1]:s.Start[u+1]]
}

// Before gives what a user was shown before a moment: what is known when a question
// is asked then.
func (s *Shown) Before(u Index, moment int64) []Exposure {
	list := s.Of(u)
	return list[:sort.Search(len(list), func(i int) bool { return list[i].Time >= moment })]
}
