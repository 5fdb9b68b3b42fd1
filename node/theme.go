package node

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// themer asks a language model, behind an endpoint that speaks OpenAI's chat
// completions, to name what the items of an answer have in common.
type themer struct{ *endpoint }

// newThemer gives the asking of an endpoint; nil without one.
func newThemer(url, model, key string) func(ctx context.Context, plain string, items []string) (string, error) {
	if url == "" {
		return nil
	}
	const most = 1 << 20
	return (&themer{newEndpoint("a theme", url, "/chat/completions", model, key, most)}).name
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
	text, err := t.ask(ctx, completion{Model: t.model, MaxTokens: 40, Messages: []message{{"user",
		"Name in at most eight words, without quotes or explanation, the theme that these items share. Words that stand out: " +
			plain + ".\nItems:\n" + strings.Join(items, "\n")}}})
	if err != nil {
		return "", err
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
