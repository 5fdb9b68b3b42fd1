package runtime

import (
	"context"
	"errors"
	"fmt"

	"usher/catalog"
	"usher/experiment"
	"usher/serving"
	"usher/wire"
	runtimewire "usher/wire/personalizeruntime"
)

// experimentRequest starts an experiment.
type experimentRequest struct {
	Name string           `json:"name"`
	Arms []experiment.Arm `json:"arms"`
}

// experimentSummary is an experiment as lists show it.
type experimentSummary struct {
	Name             string           `json:"name"`
	Arms             []experiment.Arm `json:"arms"`
	CreationDateTime float64          `json:"creationDateTime"` // Unix seconds, as AWS's
}

// experimentReport is an experiment with its counts.
type experimentReport struct {
	experimentSummary
	Answers []int64          `json:"answers"` // by arm
	Events  []comparedEvents `json:"events"`
}

type comparedEvents struct {
	EventType string         `json:"eventType"`
	Arms      []comparedRate `json:"arms"`
}

type comparedRate struct {
	Events int64     `json:"events"`
	Rate   *interval `json:"rate,omitempty"`
	Ratio  *interval `json:"ratioToFirst,omitempty"`
}

type interval struct {
	Estimate float64 `json:"estimate"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
}

// startExperiment answers POST /usher/v1/experiments.
func (a *API) startExperiment(ctx context.Context, r *wire.ExtensionRequest) (any, error) {
	var in experimentRequest
	if err := r.JSON(&in); err != nil {
		return nil, err
	}
	group, err := a.armsFit(ctx, in.Arms)
	if err != nil {
		return nil, err
	}
	e, err := a.opt.Experiments.Start(ctx, in.Name, group, in.Arms)
	if err != nil {
		return nil, experimentFault(in.Name, err)
	}
	return summaryOf(e), nil
}

// armsFit says whether campaigns can stand for one another, and gives their group.
func (a *API) armsFit(ctx context.Context, arms []experiment.Arm) (group string, err error) {
	var first serving.Served
	for i, arm := range arms {
		if _, err := a.opt.ARNs.ParseAs(arm.Campaign, catalog.KindCampaign); err != nil {
			return "", fault(arm.Campaign, err)
		}
		s, err := a.opt.Serving.Serves(ctx, arm.Campaign)
		if err != nil {
			return "", fault(arm.Campaign, err)
		}
		if i == 0 {
			first = s
		}
		if s.Group != first.Group || s.Spec.Type != first.Spec.Type {
			return "", fault(arm.Campaign, invalid("The campaign %s is of another dataset group or type of recipe (%s) than %s (%s): one cannot answer in the place of the other.",
				arm.Campaign, s.Spec.Type, arms[0].Campaign, first.Spec.Type))
		}
	}
	return first.Group, nil
}

// listExperiments answers GET /usher/v1/experiments.
func (a *API) listExperiments(context.Context, *wire.ExtensionRequest) (any, error) {
	out := struct {
		Experiments []experimentSummary `json:"experiments"`
	}{[]experimentSummary{}}
	for _, e := range a.opt.Experiments.List() {
		out.Experiments = append(out.Experiments, summaryOf(&e))
	}
	return out, nil
}

// describeExperiment answers GET /usher/v1/experiments/{name}.
func (a *API) describeExperiment(ctx context.Context, r *wire.ExtensionRequest) (any, error) {
	x, err := a.opt.Experiments.Report(ctx, r.Path("name"))
	if err != nil {
		return nil, experimentFault(r.Path("name"), err)
	}
	out := experimentReport{experimentSummary: summaryOf(&x.Experiment), Answers: x.Answers, Events: []comparedEvents{}}
	for _, c := range x.Events {
		e := comparedEvents{EventType: c.Type}
		for _, rate := range c.Rates {
			e.Arms = append(e.Arms, comparedRate{rate.Events, intervalOf(rate.Per), intervalOf(rate.Ratio)})
		}
		out.Events = append(out.Events, e)
	}
	return out, nil
}

// intervalOf is nil where nothing can be said.
func intervalOf(i experiment.Interval) *interval {
	if i == (experiment.Interval{}) {
		return nil
	}
	return &interval{i.Estimate, i.Low, i.High}
}

// endExperiment answers DELETE /usher/v1/experiments/{name}.
func (a *API) endExperiment(ctx context.Context, r *wire.ExtensionRequest) (any, error) {
	return nil, experimentFault(r.Path("name"), a.opt.Experiments.End(ctx, r.Path("name")))
}

func summaryOf(e *experiment.Experiment) experimentSummary {
	return experimentSummary{e.Name, e.Arms, float64(e.Created.UnixMilli()) / 1000}
}

// experimentFault makes AWS's error of the room's.
func experimentFault(name string, err error) error {
	var inv *experiment.Invalid
	msg := fmt.Sprintf("There is no experiment %.80q. GET /usher/v1/experiments lists those that run.", name)
	switch {
	case errors.As(err, &inv):
		return &runtimewire.InvalidInputException{Message: &inv.Msg}
	case errors.Is(err, experiment.ErrNotFound):
		return &runtimewire.ResourceNotFoundException{Message: &msg}
	}
	return err
}

// split says which campaign answers a user in the place of the one that was asked:
// that itself, where the one of the user's arm cannot, because it was deleted.
func (a *API) split(ctx context.Context, campaign, user string) experiment.Assignment {
	asked := experiment.Assignment{Campaign: campaign}
	if a.opt.Experiments == nil {
		return asked
	}
	arm := a.opt.Experiments.Split(campaign, user)
	if arm.Campaign == campaign {
		return arm
	}
	if _, err := a.opt.Serving.Serves(ctx, arm.Campaign); err != nil {
		return asked
	}
	return arm
}

// counted gives an answer and counts it for its arm.
func counted(arm experiment.Assignment, answer func() (*serving.Answer, error)) (*serving.Answer, error) {
	out, err := answer()
	if err == nil {
		arm.Answered()
	}
	return out, err
}
