package node

import (
	"context"

	"usher/api/identity"
	"usher/store"
)

// roles keeps the roles and policies of IAM among the database's documents.
type roles struct{ documents store.Documents }

// View implements identity.Store.
func (r roles) View(ctx context.Context, fn func(identity.Records) error) error {
	return r.documents.View(ctx, func(tx store.DocumentTx) error { return fn(tx) })
}

// Update implements identity.Store.
func (r roles) Update(ctx context.Context, fn func(identity.Records) error) error {
	return r.documents.Update(ctx, func(tx store.DocumentTx) error { return fn(tx) })
}
