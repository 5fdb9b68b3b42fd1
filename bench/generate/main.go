// Command generate writes made-up interactions as CSV to standard output, as many
// as its argument says: go run ./bench/generate 20000000 > interactions.csv
package main

import (
	"fmt"
	"os"
	"strconv"

	"usher/bench"
	"usher/internal/seed"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("say how many rows")
	}
	rows, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return fmt.Errorf("number of rows: %w", err)
	}
	return bench.WriteInteractions(os.Stdout, rows, seed.Seed(1))
}
