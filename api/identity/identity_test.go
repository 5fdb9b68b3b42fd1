package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"usher/wire"
)

func epoch() time.Time { return time.Unix(1_700_000_000, 0).UTC() }

func service(opt Options) *wire.Query {
	opt.Now = epoch
	q := wire.NewQuery(wire.Options{Now: epoch})
	New(opt).Register(q)
	return q
}

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"personalize.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// ask calls an action; parameters are a query string, in which TRUST stands for a document.
func ask(q http.Handler, action, parameters string, who wire.Principal) string {
	body := "Action=" + action + "&" + strings.ReplaceAll(parameters, "TRUST", url.QueryEscape(trust))
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	w := httptest.NewRecorder()
	q.ServeHTTP(w, r.WithContext(wire.WithPrincipal(r.Context(), who)))
	return fmt.Sprint(w.Code, " ", w.Body)
}

// TestRoles goes the way of the sample notebooks, clean-up included.
func TestRoles(t *testing.T) {
	q := service(Options{Account: "123456789012"})
	const read = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
	const own = "arn:aws:iam::123456789012:policy/team/s3"
	for i, c := range []struct {
		action, parameters string
		want               []string
	}{
		{"ListRoles", "", []string{"200", "<Roles></Roles>"}},
		{"GetRole", "RoleName=p", []string{"404", "NoSuchEntity", "The role with name p cannot be found."}},
		{"CreateRole", "RoleName=p&AssumeRolePolicyDocument=TRUST&Description=d", []string{"200", "<Arn>arn:aws:iam::123456789012:role/p</Arn>", "<CreateDate>2023-11-14T22:13:20Z</CreateDate>", url.PathEscape(trust), "<RoleId>AROA"}},
		{"CreateRole", "RoleName=P&AssumeRolePolicyDocument=TRUST", []string{"409", "EntityAlreadyExists", "Role with name p already exists."}},
		{"CreateRole", "RoleName=q&Path=/team/&AssumeRolePolicyDocument=TRUST", []string{"200", "role/team/q"}},
		{"CreateRole", "RoleName=r&Path=team&AssumeRolePolicyDocument=TRUST", []string{"400", "path is invalid"}},
		{"CreateRole", "RoleName=a/b&AssumeRolePolicyDocument=TRUST", []string{"400", "ValidationError", "roleName"}},
		{"CreateRole", "RoleName=" + strings.Repeat("x", 65) + "&AssumeRolePolicyDocument=TRUST", []string{"400", "1 to 64"}},
		{"CreateRole", "AssumeRolePolicyDocument=TRUST", []string{"400", "ValidationError"}},
		{"CreateRole", "RoleName=r&AssumeRolePolicyDocument=no", []string{"400", "MalformedPolicyDocument"}},
		{"GetRole", "RoleName=p", []string{"200", "<Description>d</Description>"}},
		{"ListRoles", "", []string{"200", "<member>", "role/p</Arn>", "role/team/q</Arn>", "<IsTruncated>false</IsTruncated>"}},
		{"AttachRolePolicy", "RoleName=p&PolicyArn=" + read, []string{"200"}},
		{"AttachRolePolicy", "RoleName=p&PolicyArn=" + read, []string{"200"}},
		{"AttachRolePolicy", "RoleName=p&PolicyArn=" + own, []string{"404", "NoSuchEntity"}},
		{"AttachRolePolicy", "RoleName=p&PolicyArn=nonsense", []string{"400", "ValidationError"}},
		{"CreatePolicy", "PolicyName=s3&Path=/team/&PolicyDocument=TRUST", []string{"200", "<Arn>" + own + "</Arn>", "<AttachmentCount>0</AttachmentCount>"}},
		{"CreatePolicy", "PolicyName=s3&PolicyDocument=TRUST", []string{"409", "EntityAlreadyExists"}},
		{"AttachRolePolicy", "RoleName=p&PolicyArn=" + own, []string{"200"}},
		{"GetPolicy", "PolicyArn=" + own, []string{"200", "<AttachmentCount>1</AttachmentCount>"}},
		{"GetPolicy", "PolicyArn=" + read, []string{"200", "<PolicyName>AmazonS3ReadOnlyAccess</PolicyName>", "<Path>/</Path>", "<AttachmentCount>1</AttachmentCount>"}},
		{"GetPolicy", "PolicyArn=arn:aws:iam::aws:policy/service-role/X", []string{"200", "<PolicyName>X</PolicyName>", "<Path>/service-role/</Path>"}},
		{"ListAttachedRolePolicies", "RoleName=p", []string{"200", "<PolicyName>AmazonS3ReadOnlyAccess</PolicyName><PolicyArn>" + read, "<PolicyName>s3</PolicyName><PolicyArn>" + own}},
		{"ListPolicies", "", []string{"200", own, read, "<AttachmentCount>1</AttachmentCount>"}},
		{"ListPolicies", "Scope=Local", []string{"200", "<Policies><member><PolicyName>s3</PolicyName>", "</member></Policies>"}},
		{"ListPolicies", "Scope=AWS", []string{"200", "<Policies><member><PolicyName>AmazonS3ReadOnlyAccess</PolicyName>", "</member></Policies>"}},
		{"ListPolicies", "PathPrefix=/team/", []string{"200", "<Policies><member><PolicyName>s3</PolicyName>", "</member></Policies>"}},
		{"ListPolicies", "Scope=Mine", []string{"400", "ValidationError"}},
		{"GetPolicyVersion", "VersionId=v1&PolicyArn=" + own, []string{"200", "<IsDefaultVersion>true</IsDefaultVersion>", url.PathEscape(trust)}},
		{"GetPolicyVersion", "VersionId=v2&PolicyArn=" + own, []string{"404", "NoSuchEntity"}},
		{"ListPolicyVersions", "PolicyArn=" + own, []string{"200", "<Versions><member><VersionId>v1</VersionId>"}},
		{"ListPolicyVersions", "PolicyArn=" + read, []string{"200", "<VersionId>v1</VersionId>"}},
		{"ListInstanceProfilesForRole", "RoleName=p", []string{"200", "<InstanceProfiles></InstanceProfiles>"}},
		{"ListInstanceProfilesForRole", "RoleName=none", []string{"404", "NoSuchEntity"}},
		{"UpdateAssumeRolePolicy", "RoleName=q&PolicyDocument=%7B%7D", []string{"200"}},
		{"GetRole", "RoleName=q", []string{"200", url.PathEscape("{}")}},
		{"UpdateAssumeRolePolicy", "RoleName=q&PolicyDocument=no", []string{"400", "MalformedPolicyDocument"}},
		{"PutRolePolicy", "RoleName=p&PolicyName=inline&PolicyDocument=TRUST", []string{"200"}},
		{"GetRolePolicy", "RoleName=p&PolicyName=inline", []string{"200", url.PathEscape(trust)}},
		{"ListRolePolicies", "RoleName=p", []string{"200", "<member>inline</member>"}},
		{"GetRolePolicy", "RoleName=p&PolicyName=other", []string{"404", "NoSuchEntity"}},
		{"DeleteRole", "RoleName=p", []string{"409", "DeleteConflict", "detach all policies"}},
		{"DeletePolicy", "PolicyArn=" + own, []string{"409", "DeleteConflict"}},
		{"DeletePolicy", "PolicyArn=" + read, []string{"400", "belongs to AWS"}},
		{"DetachRolePolicy", "RoleName=p&PolicyArn=" + own, []string{"200"}},
		{"DetachRolePolicy", "RoleName=p&PolicyArn=" + own, []string{"404", "NoSuchEntity"}},
		{"DetachRolePolicy", "RoleName=p&PolicyArn=" + read, []string{"200"}},
		{"DeleteRole", "RoleName=p", []string{"409", "delete policies first"}},
		{"DeleteRolePolicy", "RoleName=p&PolicyName=inline", []string{"200"}},
		{"DeleteRolePolicy", "RoleName=p&PolicyName=inline", []string{"404", "NoSuchEntity"}},
		{"ListPolicies", "OnlyAttached=true", []string{"200", "<Policies></Policies>"}},
		{"DeletePolicy", "PolicyArn=" + own, []string{"200"}},
		{"ListPolicies", "", []string{"200", "<Policies></Policies>"}},
		{"ListAttachedRolePolicies", "RoleName=q", []string{"200", "<AttachedPolicies></AttachedPolicies>"}},
		{"ListRolePolicies", "RoleName=q", []string{"200", "<PolicyNames></PolicyNames>"}},
		{"GetPolicy", "PolicyArn=" + own, []string{"404", "NoSuchEntity"}},
		{"DeleteRole", "RoleName=p", []string{"200"}},
		{"DeleteRole", "RoleName=p", []string{"404", "NoSuchEntity"}},
	} {
		got := ask(q, c.action, c.parameters, wire.Principal{})
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%d, %s %.60s: %s; want %q", i, c.action, c.parameters, got, want)
			}
		}
	}
}

func TestCallers(t *testing.T) {
	for region, partition := range map[string]string{"": "aws", "cn-north-1": "aws-cn"} {
		q := service(Options{Region: region})
		if got := ask(q, "GetCallerIdentity", "", wire.Principal{}); !strings.Contains(got, "<Arn>arn:"+partition+":iam::000000000000:root</Arn>") || !strings.Contains(got, "<Account>000000000000</Account>") {
			t.Error(got)
		}
		if got := ask(q, "GetCallerIdentity", "", wire.Principal{Name: "shop"}); !strings.Contains(got, "<Arn>arn:"+partition+":iam::000000000000:user/shop</Arn>") {
			t.Error(got)
		}
	}
	q := service(Options{})
	const role = "RoleArn=arn:aws:iam::000000000000:role/team/p"
	got := ask(q, "AssumeRole", role+"&RoleSessionName=s", wire.Principal{})
	form := regexp.MustCompile(`^200 .*<AccessKeyId>ASIA[A-Z2-7]{16}</AccessKeyId><SecretAccessKey>\w{40}</SecretAccessKey><SessionToken>\w+</SessionToken><Expiration>2023-11-14T23:13:20Z<.*<Arn>arn:aws:sts::000000000000:assumed-role/p/s</Arn>`)
	if !form.MatchString(got) {
		t.Error(got)
	}
	for _, parameters := range []string{"RoleSessionName=s&RoleArn=p", role, role + "&RoleSessionName=s&DurationSeconds=60"} {
		if got := ask(q, "AssumeRole", parameters, wire.Principal{}); !strings.HasPrefix(got, "400") || !strings.Contains(got, "ValidationError") {
			t.Errorf("%s: %s", parameters, got)
		}
	}
}

// TestRoleTags: what a role is given is shown where IAM shows it.
func TestRoleTags(t *testing.T) {
	q := service(Options{})
	const role = "RoleName=p&AssumeRolePolicyDocument=TRUST"
	const team = "&Tags.member.1.Key=team&Tags.member.1.Value=a"
	many := ""
	for i := range 51 {
		many += fmt.Sprintf("&Tags.member.%d.Key=k%[1]d&Tags.member.%[1]d.Value=", i+1)
	}
	for i, c := range []struct{ action, parameters, want, not string }{
		{"CreateRole", role + team + "&Tags.member.2.Key=TEAM&Tags.member.2.Value=b", "400 .*InvalidInput.*Duplicate tag keys", ""},
		{"CreateRole", role + "&Tags.member.1.Key=AWS:x&Tags.member.1.Value=", "400 .*InvalidInput.*reserved", ""},
		{"CreateRole", role + "&Tags.member.1.Key=&Tags.member.1.Value=", "400 .*ValidationError", ""},
		{"CreateRole", role + many, "409 .*LimitExceeded", ""},
		{"CreateRole", role + "&MaxSessionDuration=3599", "400 .*ValidationError", ""},
		{"CreateRole", role + "&MaxSessionDuration=7200" + team, "200 .*<MaxSessionDuration>7200<.*<Tags><member><Key>team</Key><Value>a</Value></member></Tags>", ""},
		{"TagRole", "RoleName=p&Tags.member.1.Key=Team&Tags.member.1.Value=b&Tags.member.2.Key=x&Tags.member.2.Value=", "200", ""},
		{"ListRoleTags", "RoleName=p", "200 .*<Tags><member><Key>Team</Key><Value>b</Value></member><member><Key>x</Key><Value></Value></member></Tags><IsTruncated>false<", ""},
		{"UntagRole", "RoleName=p&TagKeys.member.1=TEAM&TagKeys.member.2=none", "200", ""},
		{"ListRoleTags", "RoleName=p", "<Tags><member><Key>x</Key>", "Team"},
		{"ListRoles", "", "200 .*<RoleName>p<", "<Tags>"},
		{"UpdateRole", "RoleName=p&Description=new", "200 .*<UpdateRoleResult></UpdateRoleResult>", ""},
		{"GetRole", "RoleName=p", "<Description>new</Description><MaxSessionDuration>7200<.*<Key>x</Key>", ""},
		{"UpdateRole", "RoleName=p&MaxSessionDuration=x", "400 .*ValidationError", ""},
		{"UntagRole", "RoleName=p&TagKeys.member.1=x", "200", ""},
		{"GetRole", "RoleName=p", "<Description>new<", "<Tags>"},
		{"TagRole", "RoleName=none" + team, "404 .*NoSuchEntity", ""},
	} {
		got := ask(q, c.action, c.parameters, wire.Principal{})
		if !regexp.MustCompile("(?s)"+c.want).MatchString(got) || c.not != "" && strings.Contains(got, c.not) {
			t.Errorf("%d, %s %.60s: %s; want %q, not %q", i, c.action, c.parameters, got, c.want, c.not)
		}
	}
}

// TestOneRoleOfAName: where two servers have one Store, a name is given once.
func TestOneRoleOfAName(t *testing.T) {
	shared := Memory()
	servers := []*wire.Query{service(Options{Store: shared}), service(Options{Store: shared})}
	for i := range 50 {
		var made, refused atomic.Int32
		var all sync.WaitGroup
		for k := range 8 {
			all.Go(func() {
				switch got := ask(servers[k%2], "CreateRole", fmt.Sprintf("RoleName=r%d&AssumeRolePolicyDocument=TRUST", i), wire.Principal{}); {
				case strings.HasPrefix(got, "200"):
					made.Add(1)
				case strings.Contains(got, "EntityAlreadyExists"):
					refused.Add(1)
				}
			})
		}
		if all.Wait(); made.Load() != 1 || refused.Load() != 7 {
			t.Fatalf("r%d was made %d times and refused %d times", i, made.Load(), refused.Load())
		}
	}
}

// broken fails every call.
type broken struct{}

var errDisk = errors.New("disk on fire")

func (b broken) View(_ context.Context, fn func(Records) error) error   { return fn(b) }
func (b broken) Update(_ context.Context, fn func(Records) error) error { return fn(b) }
func (broken) Get(string) ([]byte, bool, error)                         { return nil, false, errDisk }
func (broken) Put(string, []byte) error                                 { return errDisk }
func (broken) Delete(string) error                                      { return errDisk }
func (broken) List(string) ([][]byte, error)                            { return nil, errDisk }

// TestBrokenRecords: a store that fails is our fault, and its words stay inside.
func TestBrokenRecords(t *testing.T) {
	q := service(Options{Store: broken{}})
	for action, parameters := range map[string]string{
		"CreateRole": "RoleName=p&AssumeRolePolicyDocument=TRUST", "GetRole": "RoleName=p", "ListRoles": "", "CreatePolicy": "PolicyName=p&PolicyDocument=TRUST",
		"GetPolicy": "PolicyArn=arn:aws:iam::000000000000:policy/p", "ListPolicies": "", "ListInstanceProfilesForRole": "RoleName=p", "UpdateAssumeRolePolicy": "RoleName=p&PolicyDocument=TRUST",
	} {
		if got := ask(q, action, parameters, wire.Principal{}); !strings.HasPrefix(got, "500") || strings.Contains(got, "fire") {
			t.Errorf("%s: %s", action, got)
		}
	}
}
