package control

import (
	"fmt"

	"usher/catalog"
	wire "usher/wire/personalize"
)

// invalid says that the input is wrong by itself, or does not fit to what it names.
func invalid(format string, args ...any) error {
	return &wire.InvalidInputException{Message: new(fmt.Sprintf(format, args...))}
}

// absent says that there is no resource of that ARN, in AWS's words.
func absent(arn string) error {
	return &wire.ResourceNotFoundException{Message: new("Resource Arn " + arn + " does not exist.")}
}

// exists says that the ARN is taken, in AWS's words, and what else there is to say.
func exists(arn, advice string) error {
	return &wire.ResourceAlreadyExistsException{Message: new("Another resource with Arn " + arn + " already exists." + advice)}
}

// inUse says that something else has to happen first.
func inUse(format string, args ...any) error {
	return &wire.ResourceInUseException{Message: new(fmt.Sprintf(format, args...))}
}

// parse gives the parts of an ARN of the caller's that must be of a kind.
func (a *API) parse(arn string, kind catalog.Kind) ([]string, error) {
	parts, err := a.opt.ARNs.ParseAs(arn, kind)
	if err != nil {
		return nil, invalid("%v", err)
	}
	return parts, nil
}

// parseOptional is parse for an ARN that may be absent; nil gives "".
func (a *API) parseOptional(arn *string, kind catalog.Kind) (string, error) {
	if arn == nil {
		return "", nil
	}
	_, err := a.parse(*arn, kind)
	return *arn, err
}
