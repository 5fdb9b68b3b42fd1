// Package demo is the newcomer's first walk through usher.
package demo
