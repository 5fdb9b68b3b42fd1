package sequence

// belief is what the weights are thought to be before any question is asked, and how
// surely: strength is the inverse variance of each. A feature stays when to leave it out
// costs more than leastGain of log likelihood and of this belief.
type belief struct {
	mean      weights
	strength  float64
	leastGain float64
}

// networkAlone says that the network counts 1 and all else nothing, which questions
// easily overrule. What stays is two standard errors from nothing.
func networkAlone() belief { return belief{prior(), 2, 2} }

func prior() weights {
	var w weights
	w[netFeature] = 1
	return w
}

// Of some dozen users a network learns little beside what everybody has, and as many
// questions cannot tell seven counters apart. So where fewer than answeredFew are
// answered, and users look for items that they have not had, weights begin at what
// was best for random users of other data (docs/quality.md, "Few users"). Where items
// come again the network alone is the better beginning: it knows that after a few
// epochs.
const answeredFew = 500

func usual() belief {
	var w weights
	w[netFeature], w[ruleFeature+nearRule], w[popular] = .3, .5, .8
	return belief{w, 5, .5}
}
