package wire

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"usher/wire/internal/codec"
)

// Guard keeps web pages away from a server on loopback: every page in a browser
// on the same machine can send requests there. A request is refused if its Host
// is not this machine (a name that an attacker's DNS points at 127.0.0.1) or if
// its Origin is another site. The zero value lets in local names without Origin.
type Guard struct {
	Hosts   []string // further Host headers, with or without port
	Origins []string // web origins that may call from a browser, as in https://shop.example; "*": all
	AnyHost bool     // beyond loopback, where keys guard: Host is not looked at
}

// Handler lets next see what may pass.
func (g Guard) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.AnyHost && !g.local(r.Host) {
			refuse(w, r, "The Host header "+quoted(r.Host)+" is not this machine. usher on loopback answers to localhost only; start it with -hosts to let other names in.")
			return
		}
		origin := r.Header.Get("Origin")
		if origin == "" {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Add("Vary", "Origin")
		switch {
		case g.listed(origin):
			cross(w.Header(), origin)
			if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
				preflight(w, r)
				return
			}
		case !own(origin, r.Host):
			refuse(w, r, "The web origin "+quoted(origin)+" may not call usher. Start it with -cors-origin "+clip(origin)+" to allow it.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func quoted(s string) string { return string(codec.AppendString(nil, clip(s))) }

// local says whether a Host header names this machine.
func (g Guard) local(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	if ip := net.ParseIP(name); ip != nil && ip.IsLoopback() {
		return true
	}
	return slices.ContainsFunc(g.Hosts, func(h string) bool {
		return h != "" && (strings.EqualFold(h, host) || strings.EqualFold(h, name))
	})
}

func (g Guard) listed(origin string) bool {
	return slices.ContainsFunc(g.Origins, func(o string) bool {
		return o == "*" || strings.EqualFold(strings.TrimSuffix(o, "/"), origin)
	})
}

// own says whether an origin is the server itself: its console.
func own(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}

// cross lets a page read answers and their ids.
func cross(h http.Header, origin string) {
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "x-amzn-requestid, x-amzn-errortype, x-amz-request-id, etag")
}

func preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE")
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Set("Access-Control-Allow-Headers", asked)
	}
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		h.Set("Access-Control-Allow-Private-Network", "true")
	}
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}

// refuse answers 403 in the words of whoever asks.
func refuse(w http.ResponseWriter, r *http.Request, text string) {
	_, id := identified(w, r)
	fault := &Fault{"AccessDenied", text, http.StatusForbidden}
	switch protocolOf(r) {
	case jsonProtocol:
		fault.Code = "AccessDeniedException"
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Amzn-Errortype", fault.Code)
		w.WriteHeader(fault.Status)
		w.Write(appendFault(nil, fault))
	case queryProtocol:
		writeQueryFault(w, "", fault, id)
	default:
		FailS3(w, r, fault)
	}
}
