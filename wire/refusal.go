package wire

import (
	"net/http"
	"strings"
)

// protocol is how errors are spelled.
type protocol int

const (
	jsonProtocol protocol = iota
	queryProtocol
	s3Protocol
)

// protocolOf guesses the protocol of a request that does not say which service it is for.
func protocolOf(r *http.Request) protocol {
	t := r.Header.Get("Content-Type")
	switch {
	case r.Header.Get("X-Amz-Target") != "", strings.HasPrefix(t, "application/json"), strings.HasPrefix(t, "application/x-amz-json"):
		return jsonProtocol
	case r.Method == http.MethodPost && r.URL.Path == "/" && strings.HasPrefix(t, "application/x-www-form-urlencoded"):
		return queryProtocol
	}
	return s3Protocol
}

// problem is why a signature is refused.
type problem string

const (
	missing      problem = "missing"
	outdated     problem = "outdated"
	malformed    problem = "malformed"
	wrongService problem = "wrong service"
	unsigned     problem = "unsigned"
	unknownKey   problem = "unknown key"
	mismatch     problem = "mismatch"
	skewed       problem = "skewed"
	expired      problem = "expired"
)

// refusals are AWS's codes for the JSON APIs, for query and for S3, the statuses
// and the texts.
var refusals = map[problem]struct {
	codes    [3]string
	statuses [3]int
	text     string
}{
	missing: {[3]string{"MissingAuthenticationTokenException", "MissingAuthenticationToken", "AccessDenied"}, [3]int{403, 403, 403},
		"Missing Authentication Token: this server has keys configured, so requests must be signed."},
	outdated: {[3]string{"IncompleteSignatureException", "IncompleteSignature", "InvalidRequest"}, [3]int{400, 400, 400},
		"The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256. Presigned URLs of version 2 are for single objects only; with boto3's Config(signature_version='s3v4') others are possible."},
	malformed: {[3]string{"IncompleteSignatureException", "IncompleteSignature", "AuthorizationHeaderMalformed"}, [3]int{400, 400, 400},
		"The signature is incomplete: Credential, SignedHeaders with host, Signature and X-Amz-Date have to be there and to fit together."},
	wrongService: {[3]string{"InvalidSignatureException", "SignatureDoesNotMatch", "AuthorizationHeaderMalformed"}, [3]int{403, 403, 400},
		"Credential should be scoped to correct service: 'personalize', 's3', 'iam' or 'sts'."},
	unsigned: {[3]string{"InvalidSignatureException", "SignatureDoesNotMatch", "AccessDenied"}, [3]int{403, 403, 403},
		"There were headers present in the request which were not signed: every x-amz- header has to be."},
	unknownKey: {[3]string{"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"}, [3]int{403, 403, 403},
		"The security token included in the request is invalid: the access key is not in the keys file."},
	mismatch: {[3]string{"InvalidSignatureException", "SignatureDoesNotMatch", "SignatureDoesNotMatch"}, [3]int{403, 403, 403},
		"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."},
	skewed:  {[3]string{"InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed"}, [3]int{403, 403, 403}, ""},
	expired: {[3]string{"RequestExpired", "RequestExpired", "AccessDenied"}, [3]int{400, 400, 403}, ""},
}

// fault is the error for a problem in the words of the service.
func (s *signature) fault(p problem) *Fault {
	r := refusals[p]
	return &Fault{Code: r.codes[s.protocol], Message: r.text, Status: r.statuses[s.protocol]}
}
