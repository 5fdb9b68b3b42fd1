package node

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// endpoint is one call of a service that speaks OpenAI's API.
type endpoint struct {
	what            string // is asked for
	url, model, key string
	most            int64 // bytes of an answer
	client          *http.Client
}

// newEndpoint gives the call behind a base address; an answer has to come within
// half a minute.
func newEndpoint(what, base, call, model, key string, most int64) *endpoint {
	const patience = 30 * time.Second
	return &endpoint{what, strings.TrimSuffix(base, "/") + call, model, key, most, &http.Client{Timeout: patience}}
}

// ask posts a question as JSON and gives the answer's text.
func (e *endpoint) ask(ctx context.Context, question any) ([]byte, error) {
	body, err := json.Marshal(question)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if e.key != "" {
		r.Header.Set("Authorization", "Bearer "+e.key)
	}
	answer, err := e.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask for %s: %w", e.what, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, e.most))
	if err != nil {
		return nil, fmt.Errorf("ask for %s: %w", e.what, err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask for %s: %s: %.200q", e.what, answer.Status, text)
	}
	return text, nil
}
