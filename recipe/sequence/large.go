package sequence

// What a training of large data may cost, and what it takes.

// workMost bounds the multiplications and additions that the network's training
// takes, about: 26 minutes of two processors that multiply in bfloat16, 37 of others. A
// version trains twice. Data of up to some seven million events stay below it.
const workMost = 2.4e14

// The least that a training is cut down to.
const (
	epochsShort  = 4 // before there are fewer negatives
	epochsLeast  = 3
	sampleLarge  = 2000 // negatives
	historyLeast = 400  // newest events of a user
)

// afford makes the training of large data affordable. What costs least comes first
// (docs/quality.md, "Shortcuts of large data"): a wider network, more epochs than the
// steps need – a large set has many steps in one –, more negatives, and only then old
// events of users who have very many.
func (s *settings) afford(c *corpus) {
	tooMuch := func() bool { return s.work(c.events, len(c.items)) > workMost }
	if !tooMuch() {
		return
	}
	if s.dim > narrowDim {
		s.narrow()
	}
	for s.planned > epochsShort && tooMuch() {
		s.planned--
	}
	for s.sample > sampleLarge && tooMuch() {
		s.sample = max(sampleLarge, s.sample*9/10)
	}
	for s.planned > epochsLeast && tooMuch() {
		s.planned--
	}
	s.epochs = s.planned
	longest := 0
	for _, n := range c.count {
		longest = max(longest, n)
	}
	for most := longest; most > historyLeast && s.work(c.newest(most), len(c.items)) > workMost; {
		most = max(historyLeast, most/2)
		s.history = most
	}
}

// newest counts the events that are left with so many of each user.
func (c *corpus) newest(most int) (n int) {
	for _, x := range c.count {
		n += min(x, most)
	}
	return n
}

// work estimates the multiplications and additions of a training over so many
// events.
func (s settings) work(events, items int) float64 {
	return s.tokenWork(items) * float64(events) * float64(s.planned)
}

// tokenWork is that of one token: forward, and twice that backward.
func (s settings) tokenWork(items int) float64 {
	d, inner, c := float64(s.dim), float64(s.inner), float64(s.sample)
	if s.sample == 0 {
		c = float64(items)
	}
	return 6 * (float64(s.blocks)*(5*d*d+3*d*inner+float64(s.window)*d) + c*d)
}

// memory estimates the most bytes that a training has in use at once: the data,
// what is counted of them, the network with its optimiser, the best one so far and
// a checkpoint, and what is being computed.
func (s settings) memory(c *corpus, workers int) float64 {
	const event, place, entry = 24 + 4 + 4, 12, 8
	items, d := float64(len(c.items)), float64(s.dim)
	data := float64(c.events) * event
	entries := 0.
	for _, r := range rules { // pairs of each event, as far as a row keeps them
		pairs := float64(r.far*c.events) / items
		if r.both {
			pairs *= 2
		}
		entries += items * min(pairs, float64(rowsOf(len(c.items))))
	}
	counted := float64(c.events)*place + 1.2*entry*entries // rows, and one table of them
	if len(c.items) <= ridgeRefitMost {
		counted += 8 * items * items
	}
	if c.sparse() {
		counted += 2 * place * min(float64(c.events), historiesMost)
	}
	net := 8 * 4 * (items*d + float64(s.shape(len(c.items)).DenseSize()))
	sample := float64(s.sample)
	if sample == 0 {
		sample = items
	}
	perShard := 4 * d * min(items, 2*sample+float64(s.stepTokens))
	perWorker := 4 * (float64(batchTokens)*(18*d+4*float64(s.inner)) + 4*sample*d + lossFloats)
	const spare = 1.25 // for the garbage collector
	return spare * (data + max(counted, net+shardMost*perShard+float64(workers)*perWorker))
}

// lossFloats is about what a strip of logits takes.
const lossFloats = 1 << 18
