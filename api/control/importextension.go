package control

import (
	"context"
	"strconv"
	"time"

	"usher/catalog"
	"usher/ingest"
	"usher/store"
	"usher/wire"
)

// importSwitches are what headers of ours say about an import.
type importSwitches struct {
	maxBadRows int64
	dryRun     bool
}

// Headers that CreateDatasetImportJob looks at.
const (
	dryRunHeader     = "dry-run"
	maxBadRowsHeader = "max-bad-rows"
)

func readImportSwitches(ctx context.Context) (s importSwitches, err error) {
	if s.dryRun, err = switched(ctx, dryRunHeader); err != nil {
		return s, err
	}
	if given := wire.ExtensionHeader(ctx, maxBadRowsHeader); given != "" {
		if s.maxBadRows, err = strconv.ParseInt(given, 10, 64); err != nil || s.maxBadRows < 0 {
			return s, invalid("The header x-usher-%s is %q. Send how many bad rows may be left out, for example 100.", maxBadRowsHeader, given)
		}
	}
	return s, nil
}

// ImportJob is an import with what AWS does not tell: how far it is, and what it
// found in the files.
type ImportJob struct {
	DatasetImportJobARN string                 `json:"datasetImportJobArn"`
	Status              catalog.Status         `json:"status"`
	FailureReason       string                 `json:"failureReason,omitempty"`
	DryRun              bool                   `json:"dryRun"`
	MaxBadRows          int64                  `json:"maxBadRows"`
	Created             time.Time              `json:"creationDateTime"`
	Updated             time.Time              `json:"lastUpdatedDateTime"`
	Progress            *ingest.ImportProgress `json:"progress,omitempty"` // while it is under way
	Report              *catalog.ImportReport  `json:"report,omitempty"`   // once the files were read
}

// DescribeImport shows the import job of that name.
func (a *API) DescribeImport(ctx context.Context, name string) (*ImportJob, error) {
	return read(ctx, a, func(tx *store.Tx) (*ImportJob, error) {
		j, err := get[catalog.ImportJob](tx, a, a.opt.ARNs.Of(catalog.KindImportJob, name))
		if err != nil {
			return nil, err
		}
		out := &ImportJob{
			DatasetImportJobARN: j.ARN, Status: j.Status, FailureReason: j.FailureReason, DryRun: j.DryRun,
			MaxBadRows: j.MaxBadRows, Created: j.Created, Updated: j.Updated, Report: j.Report,
		}
		out.Progress, err = ingest.Progress(tx, j.ARN)
		return out, err
	})
}
