package catalog

// Filter says which items of an answer stay. Parent is the group.
type Filter struct {
	Meta
	Expression string   // verbatim; usher/filter reads it
	Fields     []string // the distinct columns it looks at, like "ITEMS.GENRES"
}

// Kind implements Record.
func (*Filter) Kind() Kind { return KindFilter }
