// Package kernels holds benchmarks of package kernel against other libraries:
// each measures both in one run, in turns, and gives the ratio of their medians.
// Numbers that stay are in docs/results/kernels.txt.
//
//	go test ./bench/kernels -run XXX -bench . -benchtime 1x
package kernels
