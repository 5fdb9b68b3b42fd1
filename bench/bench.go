// Package bench holds workloads that cross rooms, as benchmarks: each measures
// usher and a baseline in one run, in turns, and gives the ratio of their medians.
// Numbers that stay are in docs/results.
//
//	go test ./bench -run XXX -bench .
package bench
