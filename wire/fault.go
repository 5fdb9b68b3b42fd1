package wire

import "net/http"

// Error is what an error needs to travel: the generated exceptions and Fault have it.
type Error interface {
	error
	ErrorCode() string
	ErrorMessage() string
	HTTPStatus() int
}

// Fault is an error that the API models do not name: what every AWS service may answer.
type Fault struct {
	Code    string
	Message string
	Status  int
}

// Error gives code and message.
func (f *Fault) Error() string { return ErrorText(f.Code, &f.Message) }

// ErrorCode gives the code as clients see it.
func (f *Fault) ErrorCode() string { return f.Code }

// ErrorMessage gives the text for people.
func (f *Fault) ErrorMessage() string { return f.Message }

// HTTPStatus gives the status of the answer.
func (f *Fault) HTTPStatus() int { return f.Status }

// ErrorText is the text of an error with a code and an optional message.
func ErrorText(code string, message *string) string {
	if message == nil || *message == "" {
		return code
	}
	return code + ": " + *message
}

// Invalid is a broken constraint in an operation that models no InvalidInputException.
func Invalid(message string) error {
	return &Fault{"ValidationException", message, http.StatusBadRequest}
}
