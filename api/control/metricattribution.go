package control

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"usher/attribution"
	"usher/catalog"
	"usher/store"
	wire "usher/wire/personalize"
)

// metricsMost is how many metrics an attribution has at most.
const metricsMost = 10

// CreateMetricAttribution begins to count what recommendations lead to. It is
// ACTIVE at once: events count from here on.
func (a *API) CreateMetricAttribution(ctx context.Context, in *wire.CreateMetricAttributionInput) (*wire.CreateMetricAttributionOutput, error) {
	if len(in.Metrics) == 0 {
		return nil, invalid("metrics is empty. Give at least one metric.")
	}
	m := &catalog.MetricAttribution{Meta: catalog.Meta{
		ARN: a.opt.ARNs.Of(catalog.KindMetricAttribution, *in.Name), Name: *in.Name, Group: *in.DatasetGroupArn, Parent: *in.DatasetGroupArn, Status: catalog.Active,
	}}
	if err := setOutput(m, in.MetricsOutputConfig); err != nil {
		return nil, err
	}
	return write(ctx, a, func(tx *store.Tx) (*wire.CreateMetricAttributionOutput, error) {
		g, err := getReady[catalog.DatasetGroup](tx, a, *in.DatasetGroupArn)
		if err != nil {
			return nil, err
		}
		if err := a.addMetrics(tx, m, "metrics", in.Metrics); err != nil {
			return nil, err
		}
		others, _, err := catalog.List[catalog.MetricAttribution](tx, catalog.Query{Group: g.ARN})
		if err != nil {
			return nil, err
		}
		if len(others) > 0 {
			return nil, exists(others[0].ARN, " A dataset group has one metric attribution: change it with UpdateMetricAttribution.")
		}
		if err := a.create(tx, m, unlimited); err != nil {
			return nil, err
		}
		if err := attribution.Begin(tx, a.opt.Logs, m); err != nil {
			return nil, err
		}
		return &wire.CreateMetricAttributionOutput{MetricAttributionArn: &m.ARN}, nil
	})
}

// setOutput takes over where reports go.
func setOutput(m *catalog.MetricAttribution, c *wire.MetricAttributionOutput) error {
	m.RoleARN, m.Output, m.OutputKMSKey = text(c.RoleArn), "", ""
	if c.S3DataDestination == nil {
		return nil
	}
	if err := s3Path("metricsOutputConfig", "output", c.S3DataDestination); err != nil {
		return err
	}
	m.Output, m.OutputKMSKey = *c.S3DataDestination.Path, text(c.S3DataDestination.KmsKeyArn)
	return nil
}

// addMetrics adds metrics, which count from now on.
func (a *API) addMetrics(tx *store.Tx, m *catalog.MetricAttribution, member string, add []wire.MetricAttribute) error {
	columns, err := schemas(tx, m.Group)
	if err != nil {
		return err
	}
	since, err := attribution.Now(tx, a.opt.Logs, m.Group)
	if err != nil {
		return err
	}
	for i, x := range add {
		e, err := attribution.ParseExpression(*x.Expression)
		if err == nil {
			err = e.Check(columns)
		}
		switch {
		case err != nil:
			return invalid("%s.%d.member.expression: %v.", member, i+1, err)
		case *x.MetricName == "" || *x.EventType == "":
			return invalid("%s.%d.member: metricName or eventType is empty. Give both.", member, i+1)
		case slices.ContainsFunc(m.Metrics, func(o catalog.Metric) bool { return o.Name == *x.MetricName }):
			return &wire.ResourceAlreadyExistsException{Message: new("The metric attribution has a metric named " + *x.MetricName + " already. Remove it first, or choose another name.")}
		}
		m.Metrics = append(m.Metrics, catalog.Metric{Name: *x.MetricName, EventType: *x.EventType, Expression: *x.Expression, Since: since})
	}
	if len(m.Metrics) > metricsMost {
		return invalid("%s: the metric attribution would have %d metrics. It can have %d.", member, len(m.Metrics), metricsMost)
	}
	return nil
}

// DescribeMetricAttribution shows a metric attribution without its metrics.
func (a *API) DescribeMetricAttribution(ctx context.Context, in *wire.DescribeMetricAttributionInput) (*wire.DescribeMetricAttributionOutput, error) {
	return read(ctx, a, func(tx *store.Tx) (*wire.DescribeMetricAttributionOutput, error) {
		m, err := get[catalog.MetricAttribution](tx, a, *in.MetricAttributionArn)
		if err != nil {
			return nil, err
		}
		output := &wire.MetricAttributionOutput{RoleArn: &m.RoleARN}
		if m.Output != "" {
			output.S3DataDestination = &wire.S3DataConfig{Path: &m.Output, KmsKeyArn: optional(m.OutputKMSKey)}
		}
		return &wire.DescribeMetricAttributionOutput{MetricAttribution: &wire.MetricAttribution{
			Name: &m.Name, MetricAttributionArn: &m.ARN, DatasetGroupArn: &m.Group, MetricsOutputConfig: output,
			Status: new(string(m.Status)), CreationDateTime: &m.Created, LastUpdatedDateTime: &m.Updated, FailureReason: optional(m.FailureReason),
		}}, nil
	})
}

// ListMetricAttributions lists the metric attributions, that of one group if that
// is given.
func (a *API) ListMetricAttributions(ctx context.Context, in *wire.ListMetricAttributionsInput) (*wire.ListMetricAttributionsOutput, error) {
	group, err := a.parseOptional(in.DatasetGroupArn, catalog.KindDatasetGroup)
	if err != nil {
		return nil, err
	}
	p := newPage("ListMetricAttributions", in.NextToken, in.MaxResults, group)
	all, next, err := list(ctx, a, p, catalog.Query{Group: group}, func(m *catalog.MetricAttribution) wire.MetricAttributionSummary {
		return wire.MetricAttributionSummary{
			Name: &m.Name, MetricAttributionArn: &m.ARN, Status: new(string(m.Status)), CreationDateTime: &m.Created,
			LastUpdatedDateTime: &m.Updated, FailureReason: optional(m.FailureReason),
		}
	})
	if err != nil {
		return nil, err
	}
	return &wire.ListMetricAttributionsOutput{MetricAttributions: all, NextToken: next}, nil
}

// ListMetricAttributionMetrics lists the metrics of a metric attribution in the
// order in which they were added; of one that is not there none, as lists do.
func (a *API) ListMetricAttributionMetrics(ctx context.Context, in *wire.ListMetricAttributionMetricsInput) (*wire.ListMetricAttributionMetricsOutput, error) {
	p := newPage("ListMetricAttributionMetrics", in.NextToken, in.MaxResults, text(in.MetricAttributionArn))
	position, err := p.position()
	if err != nil {
		return nil, err
	}
	if in.MetricAttributionArn == nil {
		return nil, invalid("metricAttributionArn is missing. Say of which metric attribution the metrics are to be listed.")
	}
	if _, err := a.parse(*in.MetricAttributionArn, catalog.KindMetricAttribution); err != nil {
		return nil, err
	}
	return read(ctx, a, func(tx *store.Tx) (*wire.ListMetricAttributionMetricsOutput, error) {
		m, err := catalog.Get[catalog.MetricAttribution](tx, *in.MetricAttributionArn)
		if errors.Is(err, catalog.ErrNotFound) {
			return &wire.ListMetricAttributionMetricsOutput{Metrics: []wire.MetricAttribute{}}, nil
		}
		if err != nil {
			return nil, err
		}
		from, _ := strconv.Atoi(position) // "" is the beginning, others are ours
		from = min(from, len(m.Metrics))
		to := min(from+min(p.limit(), metricsMost), len(m.Metrics))
		out := &wire.ListMetricAttributionMetricsOutput{Metrics: make([]wire.MetricAttribute, to-from)}
		for i, x := range m.Metrics[from:to] {
			out.Metrics[i] = wire.MetricAttribute{EventType: &x.EventType, MetricName: &x.Name, Expression: &x.Expression}
		}
		if to < len(m.Metrics) {
			out.NextToken = p.token(strconv.Itoa(to))
		}
		return out, nil
	})
}

// UpdateMetricAttribution takes metrics away, adds others, and changes where
// reports go. It is done at once.
func (a *API) UpdateMetricAttribution(ctx context.Context, in *wire.UpdateMetricAttributionInput) (*wire.UpdateMetricAttributionOutput, error) {
	if in.MetricAttributionArn == nil {
		return nil, invalid("metricAttributionArn is missing. Say which metric attribution is to be changed.")
	}
	return write(ctx, a, func(tx *store.Tx) (*wire.UpdateMetricAttributionOutput, error) {
		m, err := getReady[catalog.MetricAttribution](tx, a, *in.MetricAttributionArn)
		if err != nil {
			return nil, err
		}
		if len(in.AddMetrics) == 0 && len(in.RemoveMetrics) == 0 && in.MetricsOutputConfig == nil {
			return nil, invalid("Nothing is given to change. Give addMetrics, removeMetrics or metricsOutputConfig.")
		}
		for _, name := range in.RemoveMetrics {
			i := slices.IndexFunc(m.Metrics, func(x catalog.Metric) bool { return x.Name == name })
			if i < 0 {
				return nil, invalid("removeMetrics: the metric attribution has no metric named %q. ListMetricAttributionMetrics shows those that it has.", name)
			}
			m.Metrics = slices.Delete(m.Metrics, i, i+1)
		}
		if err := a.addMetrics(tx, m, "addMetrics", in.AddMetrics); err != nil {
			return nil, err
		}
		if len(m.Metrics) == 0 {
			return nil, invalid("removeMetrics: no metric would be left. Add another one in the same call, or delete the metric attribution.")
		}
		if in.MetricsOutputConfig != nil {
			if err := setOutput(m, in.MetricsOutputConfig); err != nil {
				return nil, err
			}
		}
		if err := catalog.Update(tx, m); err != nil {
			return nil, err
		}
		return &wire.UpdateMetricAttributionOutput{MetricAttributionArn: &m.ARN}, nil
	})
}

// DeleteMetricAttribution ends the counting; reports that were written stay.
func (a *API) DeleteMetricAttribution(ctx context.Context, in *wire.DeleteMetricAttributionInput) (*wire.DeleteMetricAttributionOutput, error) {
	if err := remove[catalog.MetricAttribution](ctx, a, *in.MetricAttributionArn); err != nil {
		return nil, err
	}
	return &wire.DeleteMetricAttributionOutput{}, nil
}

// publishes gives an error unless imports into a dataset can publish reports.
func publishes(tx *store.Tx, d *catalog.Dataset) error {
	if d.Type != "INTERACTIONS" {
		return invalid("publishAttributionMetricsToS3 is for imports of interactions, and %s is of type %s. Leave it out.", d.ARN, d.Type)
	}
	all, _, err := catalog.List[catalog.MetricAttribution](tx, catalog.Query{Group: d.Group})
	if err != nil {
		return err
	}
	if len(all) == 0 || all[0].Output == "" {
		return invalid("publishAttributionMetricsToS3 needs a metric attribution with an s3DataDestination, and the dataset group has none. Create it with CreateMetricAttribution, or leave this out.")
	}
	return nil
}
