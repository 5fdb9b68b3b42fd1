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

// themer asks a language model, behind an endpoint that speaks OpenAI's chat
// completions, to name what the items of an answer have in common.
type themer struct {
	url, model, key string
	client          *http.Client
}

// newThemer gives the asking of an endpoint; nil without one.
func newThemer(url, model, key string) func(ctx context.Context, plain string, items []string) (string, error) {
	if url == "" {
		return nil
	}
	const patience = 30 * time.Second
	return (&themer{strings.TrimSuffix(url, "/") + "/chat/completions", model, key, &http.Client{Timeout: patience}}).name
}

type (
	message struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	completion struct {
		Model       string    `json:"model"`
		Messages    []message `json:"messages"`
		MaxTokens   int       `json:"max_tokens"`
		Temperature float64   `json:"temperature"`
	}
)

// name asks. plain is what the words of the items say by themselves.
func (t *themer) name(ctx context.Context, plain string, items []string) (string, error) {
	body, err := json.Marshal(completion{Model: t.model, MaxTokens: 40, Messages: []message{{"user",
		"Name in at most eight words, without quotes or explanation, the theme that these items share. Words that stand out: " +
			plain + ".\nItems:\n" + strings.Join(items, "\n")}}})
	if err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	if t.key != "" {
		r.Header.Set("Authorization", "Bearer "+t.key)
	}
	answer, err := t.client.Do(r)
	if err != nil {
		return "", fmt.Errorf("ask for a theme: %w", err)
	}
	defer answer.Body.Close()
	const most = 1 << 20
	text, err := io.ReadAll(io.LimitReader(answer.Body, most))
	if err != nil {
		return "", fmt.Errorf("ask for a theme: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("ask for a theme: %s: %.200q", answer.Status, text)
	}
	return themeIn(text)
}

// themeIn reads the theme from an answer: its first line.
func themeIn(text []byte) (string, error) {
	var out struct {
		Choices []struct {
			Message message `json:"message"`
		} `json:"choices"`
	}
	if err := json.Unmarshal(text, &out); err != nil {
		return "", fmt.Errorf("read theme: %w", err)
	}
	if len(out.Choices) == 0 {
		return "", fmt.Errorf("read theme: the answer has no choices: %.200q", text)
	}
	line, _, _ := strings.Cut(strings.TrimSpace(out.Choices[0].Message.Content), "\n")
	if line = strings.Trim(line, "\"“” ."); line == "" {
		return "", fmt.Errorf("read theme: the answer is empty")
	}
	return line, nil
}
