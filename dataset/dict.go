package dataset

// Dict numbers strings in the order in which they are first seen.
// One writer at a time; readers need the writer's lock, or a Clone.
type Dict struct {
	ids []string
	num map[string]Index
}

// NewDict gives an empty dictionary.
func NewDict() *Dict { return &Dict{num: map[string]Index{}} }

// DictOf gives the dictionary in which each text has its place as its number. Empty
// texts are of numbers that were given once and whose ids were erased. It keeps ids.
func DictOf(ids []string) *Dict {
	d := &Dict{ids: ids[:len(ids):len(ids)], num: make(map[string]Index, len(ids))}
	for n, id := range ids {
		if id != "" {
			d.num[id] = Index(n)
		}
	}
	return d
}

// Erase forgets ids. Their numbers stay, with an empty id, and are not given again.
func (d *Dict) Erase(numbers []Index) {
	ids := make([]string, len(d.ids), cap(d.ids))
	copy(ids, d.ids) // others hold the old ones
	for _, n := range numbers {
		if ids[n] != "" {
			delete(d.num, ids[n])
			ids[n] = ""
		}
	}
	d.ids = ids
}

// Intern gives the number of id, a new one if it has none. New ids are copied
// by the caller when their bytes are not theirs to keep.
func (d *Dict) Intern(id string) Index {
	if n, ok := d.num[id]; ok {
		return n
	}
	n := Index(len(d.ids))
	d.ids = append(d.ids, id)
	d.num[id] = n
	return n
}

// Index gives the number of id, or NoIndex.
func (d *Dict) Index(id string) Index {
	if n, ok := d.num[id]; ok {
		return n
	}
	return NoIndex
}

// ID gives the string with number i.
func (d *Dict) ID(i Index) string { return d.ids[i] }

// Len counts the strings.
func (d *Dict) Len() int { return len(d.ids) }

// IDs gives all strings by number. The slice is the dictionary's own: it may be
// kept and read, because numbers are only ever added behind its length.
func (d *Dict) IDs() []string { return d.ids[:len(d.ids):len(d.ids)] }
