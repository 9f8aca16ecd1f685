package server

import (
	"bytes"
	"encoding/json"
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"

	"twind/tiles"
)

// json answers with v, marshalled without HTML escaping, under a strong ETag of
// its bytes.
func (s *Server) json(w http.ResponseWriter, r *http.Request, mediaType string, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	return s.bytes(w, r, mediaType, b.Bytes())
}

// bytes answers with b, which depends on nothing but the request, under a
// strong ETag of its content. Unversioned URLs are revalidated each time.
func (s *Server) bytes(w http.ResponseWriter, r *http.Request, mediaType string, b []byte) error {
	h := fnv.New64a()
	_, _ = h.Write(b)
	w.Header().Set("Cache-Control", "no-cache")
	return s.tagged(w, r, mediaType, `"`+strconv.FormatUint(h.Sum64(), 36)+`"`, b)
}

// tagged answers with b, which was made for this request alone, or 304 when the
// client has it.
func (s *Server) tagged(w http.ResponseWriter, r *http.Request, mediaType, etag string, b []byte) error {
	return s.taggedAfter(w, r, mediaType, etag, b, nil)
}

// taggedAfter gives back the room that b was made in: see send.
func (s *Server) taggedAfter(w http.ResponseWriter, r *http.Request, mediaType, etag string, b []byte, made func()) error {
	h := w.Header()
	h.Set("ETag", etag)
	if etagMatches(r.Header.Get("If-None-Match"), etag) && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", mediaType)
	h.Set("Content-Length", strconv.Itoa(len(b)))
	return s.send(w, r, b, made)
}

// writeAnswer answers with what was rendered, with 304 when the client has it, or
// 204 when there is nothing. The headers that say how long it lasts are set.
func writeAnswer(w http.ResponseWriter, r *http.Request, mediaType []string, a *tiles.Answer) error {
	h := w.Header()
	values := [3]string{a.ETag, a.Encoding, ""} // in memory together, and under the headers' canonical names
	h["Etag"] = values[0:1:1]
	if a.NotModified || etagMatches(r.Header.Get("If-None-Match"), a.ETag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if a.Empty {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	h["Content-Type"] = mediaType
	if a.Encoding != "" {
		h["Content-Encoding"] = values[1:2:2]
	}
	values[2] = strconv.Itoa(len(a.Bytes))
	h["Content-Length"] = values[2:3:3]
	if r.Method == http.MethodHead {
		return nil
	}
	_, err := w.Write(a.Bytes)
	return err
}

// etagMatches tells whether a list of If-None-Match or If-Match names etag. The
// suffix that compression adds to a tag is ignored, and so is W/, in If-Match too:
// RFC 9110 §13.1.1 asks for strong comparison there, which a client behind a proxy
// that compresses, and weakens the tag for it, could never pass. Here it is safe: a
// tag names a revision, and no two states of a feature, however slightly they
// differ, share one.
func etagMatches(list, etag string) bool {
	if list == "" {
		return false
	}
	want := bareTag(etag)
	for _, t := range strings.Split(list, ",") {
		t = strings.TrimSpace(t)
		if t == "*" || bareTag(t) == want {
			return true
		}
	}
	return false
}

func bareTag(t string) string {
	t = strings.Trim(strings.TrimPrefix(strings.TrimSpace(t), "W/"), `"`)
	return strings.TrimSuffix(strings.TrimSuffix(t, "-gzip"), "--gzip")
}
