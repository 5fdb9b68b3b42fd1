package wire

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Ask makes a GET call of usher's own, which Extensions serves at that path below
// ExtensionPrefix, and reads the answer into v.
func (c *Conn) Ask(ctx context.Context, path string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.opt.Endpoint+ExtensionPrefix+path, nil)
	if err == nil {
		err = c.sign(ctx, req, nil)
	}
	if err != nil {
		return fmt.Errorf("ask for %s: %w", path, err)
	}
	res, err := c.opt.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("ask for %s: %w", path, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("ask for %s: read answer: %w", path, err)
	}
	if res.StatusCode != http.StatusOK {
		return answeredFault(res, answer, func(string, string) error { return nil })
	}
	if err := json.Unmarshal(answer, v); err != nil {
		return fmt.Errorf("ask for %s: read answer: %w", path, err)
	}
	return nil
}
