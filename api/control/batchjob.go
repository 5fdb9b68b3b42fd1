package control

import (
	"strings"

	"usher/catalog"
	"usher/filter"
	"usher/store"
	wire "usher/wire/personalize"
)

// batchRequest is what the two kinds of batch jobs are given alike.
type batchRequest struct {
	version       string
	filter        *string
	input, output *wire.S3DataConfig
	role          *string
	results       *int32
	resultsMost   int32
	target        filter.Target // of its filter
	tags          []wire.Tag
}

// s3Path judges a path that is read from ("input") or written to ("output").
func s3Path(member, way string, c *wire.S3DataConfig) error {
	path, ok := strings.CutPrefix(*c.Path, "s3://")
	if !ok || path == "" || strings.HasPrefix(path, "/") {
		return invalid("%s: Invalid S3 %s path. %q is not of the form s3://bucket/folder/.", member, way, *c.Path)
	}
	return nil
}

// check judges what the request says by itself, and gives the tags.
func (b *batchRequest) check() (map[string]string, error) {
	tags, err := newTags(nil, b.tags)
	if err != nil {
		return nil, err
	}
	if err := s3Path("jobInput", "input", b.input); err != nil {
		return nil, err
	}
	if err := s3Path("jobOutput", "output", b.output); err != nil {
		return nil, err
	}
	if strings.TrimSuffix(*b.input.Path, "/") == strings.TrimSuffix(*b.output.Path, "/") {
		return nil, invalid("jobOutput: Invalid S3 output path. It is the same as that of jobInput. Give another folder.")
	}
	if b.results != nil && (*b.results < 0 || *b.results > b.resultsMost) {
		return nil, invalid("numResults is %d. Ask for 1 to %d results.", *b.results, b.resultsMost)
	}
	return tags, nil
}

// files gives what a record keeps of the request.
func (b *batchRequest) files() catalog.BatchFiles {
	f := catalog.BatchFiles{
		Input: *b.input.Path, InputKMSKey: text(b.input.KmsKeyArn), Output: *b.output.Path, OutputKMSKey: text(b.output.KmsKeyArn),
		RoleARN: text(b.role), Filter: text(b.filter),
	}
	if b.results != nil {
		f.Results = *b.results
	}
	return f
}

// batchVersion gives the version that a batch job is to ask, which fits to the
// filter of the request.
func (a *API) batchVersion(tx *store.Tx, b *batchRequest) (*catalog.SolutionVersion, error) {
	v, err := getReady[catalog.SolutionVersion](tx, a, b.version)
	if err != nil || b.filter == nil {
		return v, err
	}
	f, err := getReady[catalog.Filter](tx, a, *b.filter)
	if err != nil {
		return nil, err
	}
	if f.Group != v.Group {
		return nil, invalid("filterArn: %s is of another dataset group than the solution version. Give a filter of its group.", f.ARN)
	}
	columns, err := schemas(tx, v.Group)
	if err != nil {
		return nil, err
	}
	p, err := filter.Compile(f.Expression, filter.Schemas(columns))
	if err != nil {
		return nil, invalid("filterArn: the filter %s does not fit to the datasets that the group has now: %v", f.ARN, err)
	}
	if p.Target() != b.target {
		return nil, invalid("filterArn: the filter %s is about %s, and the answers of the recipe %s are about %s. Give a filter of %[4]s.", f.ARN, p.Target(), v.Recipe, b.target)
	}
	return v, nil
}

// quotaBatchJobs is how many batch jobs of a kind may be under way at once.
var quotaBatchJobs = quota{most: 5, pending: true}

// results gives the numResults of a record; nil where none was given.
func results(f *catalog.BatchFiles) *int32 {
	if f.Results == 0 {
		return nil
	}
	return &f.Results
}

func inputOf(f *catalog.BatchFiles) *wire.S3DataConfig {
	return &wire.S3DataConfig{Path: &f.Input, KmsKeyArn: optional(f.InputKMSKey)}
}

func outputOf(f *catalog.BatchFiles) *wire.S3DataConfig {
	return &wire.S3DataConfig{Path: &f.Output, KmsKeyArn: optional(f.OutputKMSKey)}
}
