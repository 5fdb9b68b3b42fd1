package serving

import (
	"encoding/json"
	"fmt"

	"usher/catalog"
	"usher/recipe"
	"usher/store"
)

// config is what a campaign, recommender or batch job was told about its answers.
type config struct {
	ItemExplorationConfig             recipe.Params
	EnableMetadataWithRecommendations bool
}

// configOf reads the configuration of a resource, the zero one where it has none.
func configOf(tx *store.Tx, arn string) (c config, err error) {
	r, err := catalog.Find(tx, arn)
	if err != nil {
		return c, err
	}
	var raw json.RawMessage
	switch r := r.(type) {
	case *catalog.Campaign:
		raw = r.Config
	case *catalog.Recommender:
		raw = r.Config
	case *catalog.BatchInferenceJob:
		raw = r.Config
	}
	if len(raw) == 0 {
		return c, nil
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, fmt.Errorf("read configuration of %s: %w", arn, err)
	}
	return c, nil
}
