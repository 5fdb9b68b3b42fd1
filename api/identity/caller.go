package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"usher/wire"
)

type callerIdentity struct{ Arn, UserId, Account string }

// getCallerIdentity says who signed: the account's root, or the user whose key it is.
func (id *Identity) getCallerIdentity(ctx context.Context, _ url.Values) (any, error) {
	out := callerIdentity{Account: id.opt.Account, UserId: id.opt.Account, Arn: id.arn("iam", "root", "")}
	if p, ok := wire.PrincipalOf(ctx); ok && p.Name != "" {
		out.Arn, out.UserId = id.arn("iam", "user/", p.Name), unique("AIDA", p.Name)
	}
	return out, nil
}

type assumed struct {
	Credentials     credentials
	AssumedRoleUser struct{ AssumedRoleId, Arn string }
}

type credentials struct{ AccessKeyId, SecretAccessKey, SessionToken, Expiration string }

var roleARNs = regexp.MustCompile(`^arn:[a-z-]+:iam::\d{12}:role/(?:.*/)?([\w+=,.@-]{1,64})$`)

// assumeRole gives credentials that are accepted where no keys are configured:
// on loopback. The role need not exist, as little as it grants.
func (id *Identity) assumeRole(_ context.Context, form url.Values) (any, error) {
	role := roleARNs.FindStringSubmatch(form.Get("RoleArn"))
	if role == nil {
		return nil, invalid("%.200q is invalid: RoleArn has to be the ARN of a role.", form.Get("RoleArn"))
	}
	session, err := name(form, "RoleSessionName", 64)
	if err != nil {
		return nil, err
	}
	seconds := 3600
	if text := form.Get("DurationSeconds"); text != "" {
		if seconds, err = strconv.Atoi(text); err != nil || seconds < 900 || seconds > 43200 {
			return nil, invalid("DurationSeconds %.20q is not between 900 and 43200.", text)
		}
	}
	var out assumed
	out.Credentials = credentials{
		AccessKeyId: unique("ASIA", rand.Text())[:20], SecretAccessKey: (rand.Text() + rand.Text())[:40], SessionToken: rand.Text() + rand.Text(),
		Expiration: stamp(id.opt.Now().Add(time.Duration(seconds) * time.Second)),
	}
	out.AssumedRoleUser.Arn = id.arn("sts", "assumed-role/", role[1]+"/"+session)
	out.AssumedRoleUser.AssumedRoleId = unique("AROA", role[1]) + ":" + session
	return out, nil
}

// unique gives an id in IAM's form: the same for the same name.
func unique(prefix, name string) string {
	sum := sha256.Sum256([]byte(name))
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

// stamp is a time as IAM and STS write it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
