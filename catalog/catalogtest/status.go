// Package catalogtest helps tests of other rooms to bring records into states.
//
// catalog.Update keeps every record on the way of its kind's lifecycle. A test
// of one state wants to be there at once, or where no call leads.
package catalogtest

import (
	"fmt"

	"usher/catalog"
	"usher/store"
)

// SetStatus gives the record of an ARN a status, whatever it had. The revision
// stays, so that who has read the record can update it.
func SetStatus(tx *store.Tx, arn string, s catalog.Status) error {
	n, err := tx.Exec("update resource set status = $1 where arn = $2", s, arn)
	if err == nil && n == 0 {
		err = catalog.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("set status of %s: %w", arn, err)
	}
	return nil
}
