package recipe

// Cacher is a Model that can keep what it worked out of histories, so that the
// next question about the same history is cheap. Without a call of Cache it keeps
// nothing: who asks about each user once, like a measurement, needs no memory.
type Cacher interface {
	// Cache lets the model keep about so many bytes. It is called once, before
	// the model is asked. Answers are the same with and without.
	Cache(bytes int64)
}
