package job

import "errors"

// Why a job ended early.
var (
	ErrLost     = errors.New("job: another run has this job")
	ErrStopped  = errors.New("job: the process is stopping")
	ErrCanceled = errors.New("job: cancelled")
)

// Permanent marks an error that a retry cannot cure: the job is abandoned.
func Permanent(err error) error { return &permanentError{err} }

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }
