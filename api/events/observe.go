package events

import (
	"errors"
	"fmt"
	"time"

	"usher/catalog"
	"usher/ingest"
)

// observe counts a call under CloudWatch's names (spec: AWS/Personalize
// namespace), with the resource as label. Resources that do not exist are not
// counted one by one, so that a caller cannot fill the server's memory.
func (a *API) observe(call, latency, label, resource string, began time.Time, err error) {
	var invalid *ingest.Invalid
	var malformed *catalog.ARNError
	if errors.As(err, &invalid) || errors.As(err, &malformed) || errors.Is(err, catalog.ErrNotFound) {
		a.opt.Metrics.GetOrCreateCounter(call + "4xxErrors").Inc()
		return
	}
	labels := fmt.Sprintf("{%s=%q}", label, resource)
	a.opt.Metrics.GetOrCreateCounter(call + "Requests" + labels).Inc()
	if err != nil {
		a.opt.Metrics.GetOrCreateCounter(call + "5xxErrors" + labels).Inc()
	}
	a.opt.Metrics.GetOrCreateSummary(latency + labels).Update(float64(a.opt.Now().Sub(began).Microseconds()) / 1000)
}
