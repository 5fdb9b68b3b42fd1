package console

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"usher/wire"
)

// This file signs people in. A session is a cookie that says which access key it
// is for and when it ends, signed with the key's secret; the server keeps nothing.
// So it holds on every server that has the same keys file and after a restart, and
// ends at once when the key is taken away or gets another secret. The secret itself
// is sent once, to be compared, and is not in the cookie.

const (
	cookieName  = "usher-console"
	sessionTime = 12 * time.Hour
	maxSignIn   = 4 << 10 // of a body
)

// session says who is signed in (GET), signs in (POST) and out (DELETE).
func (c *Console) session(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	switch r.Method {
	case http.MethodGet:
		who, ok := c.signedIn(r)
		c.tell(w, who, ok)
	case http.MethodPost:
		c.signIn(w, r)
	case http.MethodDelete:
		http.SetCookie(w, cookie(r, "", -1))
		c.tell(w, wire.Principal{}, c.opt.Keys == nil)
	default:
		w.Header().Set("Allow", "GET, POST, DELETE")
		fail(w, http.StatusMethodNotAllowed, "ValidationException", "A session takes GET, POST and DELETE.")
	}
}

// tell answers who is signed in.
func (c *Console) tell(w http.ResponseWriter, who wire.Principal, ok bool) {
	writeJSON(w, http.StatusOK, map[string]any{"keys": c.opt.Keys != nil, "signedIn": ok, "name": who.Name, "scopes": who.Scopes.String(), "region": c.opt.Region})
}

// signIn gives a session to who knows a key's secret.
func (c *Console) signIn(w http.ResponseWriter, r *http.Request) {
	var given struct{ AccessKey, SecretKey string }
	body, err := readLimited(r, maxSignIn)
	if err != nil || json.Unmarshal(body, &given) != nil {
		fail(w, http.StatusBadRequest, "ValidationException", "Give accessKey and secretKey.")
		return
	}
	if c.opt.Keys == nil {
		c.tell(w, wire.Principal{}, true)
		return
	}
	key, ok := c.opt.Keys(given.AccessKey)
	// The same work and words for an unknown key and a wrong secret.
	want, have := sha256.Sum256([]byte(key.Secret)), sha256.Sum256([]byte(given.SecretKey))
	if subtle.ConstantTimeCompare(want[:], have[:]) != 1 || !ok {
		c.opt.Log.WarnContext(r.Context(), "a sign-in to the console was refused", "remote", r.RemoteAddr)
		fail(w, http.StatusForbidden, "AccessDeniedException", "The access key is not in the keys file, or its secret is another one.")
		return
	}
	ends := c.opt.Now().Add(sessionTime).Unix()
	http.SetCookie(w, cookie(r, seal(given.AccessKey, key.Secret, ends), int(sessionTime/time.Second)))
	c.opt.Log.InfoContext(r.Context(), "signed in to the console", "name", key.Name, "remote", r.RemoteAddr)
	c.tell(w, c.principal(given.AccessKey, key), true)
}

// signedIn gives who sent a request. Without keys that is nobody in particular.
func (c *Console) signedIn(r *http.Request) (wire.Principal, bool) {
	if c.opt.Keys == nil {
		return wire.Principal{}, true
	}
	sent, err := r.Cookie(cookieName)
	if err != nil {
		return wire.Principal{}, false
	}
	accessKey, ends, ok := unseal(sent.Value)
	if !ok || c.opt.Now().Unix() >= ends {
		return wire.Principal{}, false
	}
	key, ok := c.opt.Keys(accessKey)
	if !ok || !hmac.Equal([]byte(seal(accessKey, key.Secret, ends)), []byte(sent.Value)) {
		return wire.Principal{}, false
	}
	return c.principal(accessKey, key), true
}

// principal is who has a key, as if he had signed with it.
func (c *Console) principal(accessKey string, key wire.Key) wire.Principal {
	who := key.Of(accessKey)
	who.Region = c.opt.Region
	return who
}

// seal makes the value of a cookie: access key, end, signature.
func seal(accessKey, secret string, ends int64) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(accessKey)) + "." + strconv.FormatInt(ends, 10)
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte("usher console session\n" + text)) // nothing else that is signed with the secret begins so
	return text + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// unseal reads what a cookie says; whether it is true only seal can tell.
func unseal(value string) (accessKey string, ends int64, ok bool) {
	parts := strings.Split(value, ".")
	if len(parts) != 3 {
		return "", 0, false
	}
	name, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		return "", 0, false
	}
	ends, err = strconv.ParseInt(parts[1], 10, 64)
	return string(name), ends, err == nil
}

// cookie makes the cookie, which no script can read and no other site's page makes
// the browser send. Behind a proxy that speaks TLS the page's origin tells of it.
func cookie(r *http.Request, value string, maxAge int) *http.Cookie {
	origin, err := url.Parse(r.Header.Get("Origin"))
	secure := r.TLS != nil || err == nil && origin.Scheme == "https"
	return &http.Cookie{Name: cookieName, Value: value, Path: Prefix, MaxAge: maxAge, HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil { // only maps of texts and truths come here
		status, b = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b) // a client that has left is no error of ours
}
