package batch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"usher/internal/jsontext"
	"usher/recipe"
	"usher/serving"
)

// question is a line of a file of questions.
type question struct {
	User         id                `json:"userId"`
	Item         id                `json:"itemId"`
	Items        []id              `json:"itemList"`
	Attributes   string            `json:"itemAttributes"`
	Context      map[string]string `json:"context"`
	FilterValues map[string]string `json:"filterValues"`
}

// id is the id of a user or item. Programs that write numbers are understood.
type id string

// idMost is how many characters an id has at most.
const idMost = 256

// UnmarshalJSON implements json.Unmarshaler.
func (i *id) UnmarshalJSON(b []byte) error {
	var n json.Number
	var s string
	if err := json.Unmarshal(b, &s); err == nil {
		*i = id(s)
	} else if err := json.Unmarshal(b, &n); err == nil {
		*i = id(n)
	} else {
		return fmt.Errorf("%.100s is not the id of a user or item; write ids as strings", b)
	}
	if utf8.RuneCountInString(string(*i)) > idMost {
		return fmt.Errorf("an id has more than %d characters", idMost)
	}
	return nil
}

// parseQuestion reads a line. Its errors are customers'.
func parseQuestion(line []byte) (*question, error) {
	switch {
	case len(line) > lineMost:
		return nil, customer("The line has more than %d bytes.", lineMost)
	case !utf8.Valid(line):
		return nil, customer("The line is not UTF-8. Write the file in that encoding.")
	}
	q := &question{}
	err := json.Unmarshal(line, q)
	if err == nil && bytes.TrimSpace(line)[0] != '{' { // null
		err = errors.New("an object was expected")
	}
	if err != nil {
		return nil, customer("The line is not a JSON object of the documented form: %s. Write one object a line, for example {\"userId\": \"105\"}.", jsontext.Mistake(err))
	}
	return q, nil
}

// echoMost is how much is repeated of a line that is no JSON.
const echoMost = 1000

// appendInput appends the beginning of a line of answer, with the question as it
// was asked.
func appendInput(to, line []byte) []byte {
	to = append(to, `{"input":`...)
	b := bytes.NewBuffer(to)
	if len(line) <= lineMost && utf8.Valid(line) && json.Compact(b, line) == nil {
		return b.Bytes()
	}
	return appendText(to, string(bytes.ToValidUTF8(line[:min(len(line), echoMost)], []byte("\uFFFD"))))
}

// appendMistake appends the whole line that answers a question with a text.
func appendMistake(to, line []byte, text string) []byte {
	to = append(appendInput(to, line), `,"output":null,"error":`...)
	return append(appendText(to, text), '}')
}

// appendText appends a JSON string.
func appendText(to []byte, s string) []byte {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] >= ' ' && s[i] < utf8.RuneSelf && s[i] != '"' && s[i] != '\\'
	}
	if plain {
		return append(append(append(to, '"'), s...), '"')
	}
	b := bytes.NewBuffer(to)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // strings can always be encoded
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// appendItems appends the members of an answer's output: recommendedItems, scores
// where the recipe has them – 0 for items that have none – and reasons where it
// gives them.
func appendItems(to []byte, items []serving.Item, spec recipe.Spec) []byte {
	to = append(to, `"recommendedItems":[`...)
	for i := range items {
		to = appendText(comma(to, i), items[i].ID)
	}
	to = append(to, ']')
	if spec.Scores {
		to = append(to, `,"scores":[`...)
		for i := range items {
			to = strconv.AppendFloat(comma(to, i), items[i].Score, 'f', -1, 32)
		}
		to = append(to, ']')
	}
	if !serving.Explains(spec) {
		return to
	}
	to = append(to, `,"reasons":[`...)
	for i := range items {
		to = append(comma(to, i), '[')
		if items[i].Reason != "" {
			to = appendText(to, items[i].Reason)
		}
		to = append(to, ']')
	}
	return append(to, ']')
}

// appendTheme appends the members that an answer with a theme has.
func appendTheme(to []byte, t theme) []byte {
	to = appendText(append(to, `,"theme":`...), t.text)
	to = append(to, `,"itemsThemeRelevanceScores":[`...)
	for i, x := range t.relevance {
		to = strconv.AppendFloat(comma(to, i), x, 'f', -1, 32)
	}
	return append(to, ']')
}

// comma appends what stands before element i of a list.
func comma(to []byte, i int) []byte {
	if i > 0 {
		to = append(to, ',')
	}
	return to
}
