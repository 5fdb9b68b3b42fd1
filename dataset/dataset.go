// Package dataset gives the customer's data its form: schemas, CSV files,
// numbering, columns, changes and snapshots.
//
// Data comes in by two ways. Bulk: Import reads CSV by a Schema and writes a
// part, a Parquet file with its own dictionaries. Live: a Change is one log
// record. Package history applies both, in log order, and gives users and
// items their numbers (I1). What a recipe learns from is a Snapshot.
//
// This room opens no files and no blobs; callers hand it readers and writers.
package dataset
