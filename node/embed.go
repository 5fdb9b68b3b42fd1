package node

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sync"

	"usher/recipe"
)

// embedder asks a model of language, behind an endpoint that speaks OpenAI's
// embeddings, for the vectors of texts. It keeps them, so that a training asks only
// for texts that the one before had not.
type embedder struct {
	*endpoint
	most int // bytes that are kept

	mu   sync.Mutex // of one training at a time
	kept map[[sha256.Size]byte][]float32
	size int
}

const (
	embedTogether = 64        // texts of one question
	embedLength   = 8000      // bytes of a text that count
	embedKept     = 512 << 20 // bytes of vectors
)

// NewEmbedder gives the asking of an endpoint; nil without one.
func NewEmbedder(url, model, key string) recipe.Embed {
	if url == "" {
		return nil
	}
	const most = 64 << 20
	e := &embedder{endpoint: newEndpoint("embeddings", url, "/embeddings", model, key, most), most: embedKept, kept: map[[sha256.Size]byte][]float32{}}
	return e.embed
}

type embeddings struct {
	Model string   `json:"model"`
	Input []string `json:"input"`
}

func (e *embedder) embed(ctx context.Context, texts []string) ([][]float32, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make([][]float32, len(texts))
	var missing []int
	for i, text := range texts {
		if out[i] = e.kept[sha256.Sum256([]byte(text))]; out[i] == nil {
			missing = append(missing, i)
		}
	}
	for some := range slices.Chunk(missing, embedTogether) {
		question := embeddings{Model: e.model}
		for _, i := range some {
			question.Input = append(question.Input, texts[i][:min(len(texts[i]), embedLength)])
		}
		vectors, err := e.vectors(ctx, question)
		if err != nil {
			return nil, err
		}
		for k, i := range some {
			out[i] = vectors[k]
			e.keep(texts[i], vectors[k])
		}
	}
	return out, nil
}

// vectors asks one question.
func (e *embedder) vectors(ctx context.Context, question embeddings) ([][]float32, error) {
	text, err := e.ask(ctx, question)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data []struct {
			Index     int       `json:"index"`
			Embedding []float32 `json:"embedding"`
		} `json:"data"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("read embeddings: %w", err)
	}
	out := make([][]float32, len(question.Input))
	for _, d := range answer.Data {
		if d.Index < 0 || d.Index >= len(out) || len(d.Embedding) == 0 {
			return nil, fmt.Errorf("read embeddings: number %d of %d texts has %d numbers", d.Index, len(out), len(d.Embedding))
		}
		out[d.Index] = d.Embedding
	}
	if i := slices.IndexFunc(out, func(x []float32) bool { return x == nil || slices.ContainsFunc(x, notFinite) }); i >= 0 {
		return nil, fmt.Errorf("read embeddings: the answer has no vector for text %d of %d", i, len(out))
	}
	return out, nil
}

func notFinite(x float32) bool { return math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) }

// keep keeps a vector. When there are too many all are forgotten: then the next
// training asks anew.
func (e *embedder) keep(text string, vector []float32) {
	const overhead = 100
	each := 4*len(vector) + overhead
	if e.size+each > e.most {
		clear(e.kept)
		e.size = 0
	}
	e.kept[sha256.Sum256([]byte(text))] = vector
	e.size += each
}
