package catalog

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// ARNs makes and reads the ARNs of one account in one region.
type ARNs struct {
	Partition string // "aws", "aws-cn", …
	Region    string
	Account   string // twelve digits
}

// NewARNs gives the ARNs of an account in a region; the partition follows the region.
func NewARNs(region, account string) ARNs {
	partition := "aws"
	switch {
	case strings.HasPrefix(region, "cn-"):
		partition = "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		partition = "aws-us-gov"
	}
	return ARNs{Partition: partition, Region: region, Account: account}
}

// Latest stands in the place of a version's own part for the newest ACTIVE
// version of a solution: solution/<name>/$LATEST.
const Latest = "$LATEST"

// arnForm says what an ARN of a kind looks like behind the account.
type arnForm struct {
	kind  Kind
	form  string
	owned bool // by the service: without region and account
}

// fits says whether an ARN's first word and the number of further parts are of this form.
func (f arnForm) fits(word string, parts int) bool {
	w, _, _ := strings.Cut(f.form, "/")
	return w == word && strings.Count(f.form, "/") == parts
}

var arnForms = []arnForm{
	{KindDatasetGroup, "dataset-group/<name>", false},
	{KindSchema, "schema/<name>", false},
	{KindDataset, "dataset/<dataset group>/<TYPE>", false},
	{KindImportJob, "dataset-import-job/<name>", false},
	{KindEventTracker, "event-tracker/<id>", false},
	{KindSolution, "solution/<name>", false},
	{KindSolutionVersion, "solution/<name>/<id>", false},
	{KindCampaign, "campaign/<name>", false},
	{KindFilter, "filter/<name>", false},
	{KindRecommender, "recommender/<name>", false},
	{KindBatchInferenceJob, "batch-inference-job/<name>", false},
	{KindBatchSegmentJob, "batch-segment-job/<name>", false},
	{KindExportJob, "dataset-export-job/<name>", false},
	{KindDataDeletionJob, "data-deletion-job/<name>", false},
	{KindMetricAttribution, "metric-attribution/<name>", false},
	{KindRecipe, "recipe/<name>", true},
	{KindAlgorithm, "algorithm/<name>", true},
	{KindFeatureTransformation, "feature-transformation/<name>", true},
}

// Of makes the ARN of a kind from its parts: Of(KindDataset, "shop", "ITEMS").
func (a ARNs) Of(kind Kind, parts ...string) string {
	region, account, form := a.Region, a.Account, string(kind)
	for _, k := range arnForms {
		if k.kind != kind {
			continue
		}
		if k.owned {
			region, account = "", ""
		}
		form, _, _ = strings.Cut(k.form, "/")
	}
	return strings.Join([]string{"arn", a.Partition, "personalize", region, account, form + "/" + strings.Join(parts, "/")}, ":")
}

// Example shows what an ARN of the kind looks like.
func (a ARNs) Example(kind Kind) string {
	for _, k := range arnForms {
		if k.kind == kind {
			_, parts, _ := strings.Cut(k.form, "/")
			return a.Of(kind, strings.Split(parts, "/")...)
		}
	}
	return a.Of(kind, "<name>")
}

// ARNError says what is wrong with an ARN, for people.
type ARNError struct{ Msg string }

func (e *ARNError) Error() string { return e.Msg }

func arnError(format string, args ...any) error { return &ARNError{fmt.Sprintf(format, args...)} }

var arnPart = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]*$`)

// Parse reads an ARN of this account and region and gives its kind and the
// parts behind it. Errors are *ARNError.
func (a ARNs) Parse(arn string) (Kind, []string, error) {
	f := strings.SplitN(arn, ":", 6)
	if len(f) != 6 || f[0] != "arn" || f[2] != "personalize" {
		return "", nil, arnError("%q is not an ARN of Amazon Personalize; for example %s", arn, a.Example(KindSolution))
	}
	name, rest, _ := strings.Cut(f[5], "/")
	parts := strings.Split(rest, "/")
	i := slices.IndexFunc(arnForms, func(f arnForm) bool { return f.fits(name, len(parts)) })
	if i < 0 {
		return "", nil, arnError("The ARN %q names no kind of resource; for example %s", arn, a.Example(KindSolution))
	}
	kind := arnForms[i].kind
	for n, p := range parts {
		if !arnPart.MatchString(p) && !(kind == KindSolutionVersion && n == 1 && p == Latest) {
			return "", nil, arnError("The ARN %q is malformed: it must look like %s", arn, a.Example(kind))
		}
	}
	region, account := a.Region, a.Account
	if arnForms[i].owned {
		region, account = "", ""
	}
	switch {
	case f[1] != a.Partition:
		return "", nil, arnError("The ARN %q is of the partition %q, but this server's region %s is in %q. Start usher with -region of the ARN, or use ARNs like %s", arn, f[1], a.Region, a.Partition, a.Example(kind))
	case f[3] != region && arnForms[i].owned, f[4] != account && arnForms[i].owned:
		return "", nil, arnError("The ARN %q must have neither region nor account: %s", arn, a.Of(kind, parts...))
	case f[3] != region:
		return "", nil, arnError("The ARN %q is of the region %q, but this server's is %s. Start usher with -region %s, or use %s", arn, f[3], region, f[3], a.Of(kind, parts...))
	case f[4] != account:
		return "", nil, arnError("The ARN %q is of the account %q, but this server's is %s. Start usher with -account %s, or use %s", arn, f[4], account, f[4], a.Of(kind, parts...))
	}
	return kind, parts, nil
}

// ParseAs is Parse for an ARN that must be of a kind.
func (a ARNs) ParseAs(arn string, want Kind) ([]string, error) {
	kind, parts, err := a.Parse(arn)
	if err != nil {
		return nil, err
	}
	if kind != want {
		return nil, arnError("The ARN %q is of a %s; what is needed here is a %s, like %s", arn, kind.words(), want.words(), a.Example(want))
	}
	return parts, nil
}

func (k Kind) words() string { return strings.ReplaceAll(string(k), "-", " ") }
