package server

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"twind/internal/config"
	"twind/layers"
)

// Who may do what, until the access rules come: everybody who reaches the server
// may read. Writing needs
//
//   - no token when the server listens on the loopback interface, no token is
//     configured, nothing says that a proxy stands in front, and the request
//     names the server by a loopback name (a page of another site cannot: it has
//     its own Origin, and DNS rebinding leaves its own Host);
//   - else a token of the configuration, as Bearer, as the password of Basic, or
//     as ?token=.
//
// The policy of every reader is the zero layers.Policy; it is asked for here, in
// one place, so that rules per reader change only this file.
func (s *Server) policy(r *http.Request, id layers.ID) layers.Policy {
	if s.policies == nil {
		return layers.Policy{}
	}
	return s.policies(r, id)
}

// mayWrite wraps the handlers that change something.
func (s *Server) mayWrite(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := s.sameOrigin(r); err != nil {
			return err
		}
		if s.hasToken(r) {
			return h(w, r)
		}
		if s.local(r) {
			return h(w, r)
		}
		return &statusError{status: http.StatusUnauthorized,
			detail: "Writing needs a token of the server's configuration: send it as Authorization: Bearer TOKEN.",
			header: http.Header{"Www-Authenticate": {`Bearer realm="twind"`}}}
	}
}

// local tells whether a request comes from this machine to a server that is only
// for it, so that no token is needed.
func (s *Server) local(r *http.Request) bool {
	if !config.Loopback(s.o.Addr) || !loopbackHost(r.Host) || len(s.o.Tokens) > 0 || s.o.PublicURL != "" || len(s.o.TrustedProxies) > 0 {
		return false
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	return r.Header.Get("Authorization") == "" && !r.URL.Query().Has("token") // a wrong token is no right
}

// sameOrigin refuses requests that a page of another site sent.
func (s *Server) sameOrigin(r *http.Request) error {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return nil
	}
	if s.originAllowed(r, origin) {
		return nil
	}
	return fail(http.StatusForbidden, "Origin "+cut(origin, 100)+" may not write; add it to allowedOrigins in the server's configuration.")
}

func (s *Server) originAllowed(r *http.Request, origin string) bool {
	return origin == s.origin(r) || slices.Contains(s.o.AllowedOrigins, origin)
}

// originHosts are the hosts of the origins that may connect and write besides
// the request's own.
func (s *Server) originHosts() []string {
	var hosts []string
	for _, o := range append(slices.Clone(s.o.AllowedOrigins), s.o.PublicURL) {
		if u, err := url.Parse(o); err == nil && u.Host != "" {
			hosts = append(hosts, u.Host)
		}
	}
	return hosts
}

// origin is scheme://host of the server as this client reaches it.
func (s *Server) origin(r *http.Request) string {
	scheme, rest, _ := strings.Cut(s.base(r), "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}

func (s *Server) hasToken(r *http.Request) bool {
	token := r.URL.Query().Get("token")
	if a := r.Header.Get("Authorization"); a != "" {
		if t, ok := strings.CutPrefix(a, "Bearer "); ok {
			token = strings.TrimSpace(t)
		} else if _, pw, ok := r.BasicAuth(); ok {
			token = pw
		}
	}
	return s.o.KnowsToken(token)
}

func loopbackHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}
