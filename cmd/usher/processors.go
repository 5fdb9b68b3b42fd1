package main

import (
	"context"
	"runtime"
)

// sparing runs a command that serves with one processor more than there are, as Go sees
// it. Models compute on as many as there were when the program began; so one is always
// free to look at the network and answer at once what can be – a kept ranking, a refusal
// –, and the operating system lets such short work go first. Without a free one Go looks
// at the network every 10 ms. More than one costs throughput (docs/results/serving.txt).
func sparing(serves func(context.Context, stdio, []string) error) func(context.Context, stdio, []string) error {
	return func(ctx context.Context, io stdio, args []string) error {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1 + runtime.GOMAXPROCS(0)))
		return serves(ctx, io, args)
	}
}
