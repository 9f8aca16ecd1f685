package server

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// base is the absolute URL of the server without a trailing slash, as this
// client reaches it: from --public-url, else from the X-Forwarded-* headers of a
// trusted proxy, else from Host. Links, TileJSON and styles are made of it.
func (s *Server) base(r *http.Request) string {
	if s.o.PublicURL != "" {
		return strings.TrimRight(s.o.PublicURL, "/")
	}
	scheme, host := "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	prefix := ""
	if s.trusted(r) {
		if p := first(r.Header.Get("X-Forwarded-Proto")); p == "http" || p == "https" {
			scheme = p
		}
		if h := first(r.Header.Get("X-Forwarded-Host")); validHost(h) {
			host = h
		}
		if p := strings.TrimRight(first(r.Header.Get("X-Forwarded-Prefix")), "/"); strings.HasPrefix(p, "/") && !strings.ContainsAny(p, "\"'<>?#\\ ") {
			prefix = p
		}
	}
	if !validHost(host) {
		host = s.o.Addr
	}
	return scheme + "://" + host + prefix
}

// live is the WebSocket URL of /live.
func (s *Server) liveURL(r *http.Request) string {
	return "ws" + strings.TrimPrefix(s.base(r), "http") + "/live"
}

func (s *Server) trusted(r *http.Request) bool {
	if len(s.proxies) == 0 {
		return false
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, p := range s.proxies {
		if p.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

func first(list string) string {
	v, _, _ := strings.Cut(list, ",")
	return strings.TrimSpace(v)
}

// validHost refuses what could break out of a link.
func validHost(h string) bool {
	if h == "" || len(h) > 255 {
		return false
	}
	for i := 0; i < len(h); i++ {
		c := h[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(".-_:[]", c) >= 0) {
			return false
		}
	}
	return true
}
