// Package lint keeps the house's rules as tests: who may import whom, and who
// may hold what is dangerous to spread (docs/design.md).
package lint
