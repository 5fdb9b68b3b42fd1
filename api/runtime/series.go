package runtime

import (
	"errors"
	"fmt"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/catalog"
	"usher/serving"
)

// callKey is what calls are counted by.
type callKey struct{ call, resource string }

// series are the counters of a call and a campaign or recommender.
type series struct {
	requests, refused, failed *metrics.Counter
	latency                   *metrics.Summary
}

// observe counts a call under CloudWatch's names, with the campaign or
// recommender as label.
// Campaigns that do not exist are counted together, so that a caller cannot
// fill the server's memory.
func (a *API) observe(call, requests, campaign string, began time.Time, err error) {
	var malformed *catalog.ARNError
	if campaign == "" || err != nil && (errors.As(err, &malformed) || errors.Is(err, catalog.ErrNotFound)) {
		a.opt.Metrics.GetOrCreateCounter(call + "4xxErrors").Inc()
		return
	}
	s := a.seriesOf(call, requests, campaign)
	s.requests.Inc()
	if err != nil {
		s.count(err)
	}
	s.latency.Update(float64(a.opt.Now().Sub(began).Microseconds()) / 1000)
}

// count counts an error: the caller's or ours.
func (s *series) count(err error) {
	var inv *serving.Invalid
	var noFilter *serving.NoFilter
	if errors.As(err, &inv) || errors.As(err, &noFilter) {
		s.refused.Inc()
		return
	}
	s.failed.Inc()
}

// seriesOf gives the counters, whose names are written once: that costs more
// than counting.
func (a *API) seriesOf(call, requests, resource string) *series {
	key := callKey{call, resource}
	if s, ok := a.series.Load(key); ok {
		return s.(*series)
	}
	labels := fmt.Sprintf("{CampaignArn=%q}", resource)
	if recommender(resource) {
		labels = fmt.Sprintf("{RecommenderArn=%q}", resource)
	}
	set := a.opt.Metrics
	s, _ := a.series.LoadOrStore(key, &series{
		requests: set.GetOrCreateCounter(requests + labels), refused: set.GetOrCreateCounter(call + "4xxErrors" + labels),
		failed: set.GetOrCreateCounter(call + "5xxErrors" + labels), latency: set.GetOrCreateSummary(call + "Latency" + labels),
	})
	return s.(*series)
}
