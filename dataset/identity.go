package dataset

// Identity is what an event has in common with its repeats, when a client sends it
// again: its eventId or, without one, all that it says.
func (x *Interaction) Identity() string {
	if x.EventID != "" {
		return x.EventID
	}
	said, err := x.append([]byte{0}) // no eventId begins so
	if err != nil {
		return "" // what cannot be written is in no log
	}
	return string(said)
}
