package server

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
)

// owsError is an exception of an OGC web service (OWS Common 1.1, 06-121r3 §8).
type owsError struct {
	status              int
	code, locator, text string
	absent              bool // what the request names is not there
}

func (e *owsError) Error() string { return e.text }

// owsInvalid is a parameter that cannot be read.
func owsInvalid(locator, text string) error {
	return &owsError{status: http.StatusBadRequest, code: "InvalidParameterValue", locator: locator, text: text}
}

// owsAbsent is a parameter that names nothing.
func owsAbsent(locator, text string) error {
	return &owsError{status: http.StatusBadRequest, code: "InvalidParameterValue", locator: locator, text: text, absent: true}
}

// owsOutOfRange is a tile that is not there.
func owsOutOfRange(locator, text string) error {
	return &owsError{status: http.StatusBadRequest, code: "TileOutOfRange", locator: locator, text: text, absent: true}
}

type exceptionReport struct {
	XMLName   xml.Name `xml:"ows:ExceptionReport"`
	OWS       string   `xml:"xmlns:ows,attr"`
	Version   string   `xml:"version,attr"`
	Language  string   `xml:"xml:lang,attr"`
	Exception struct {
		Code    string `xml:"exceptionCode,attr"`
		Locator string `xml:"locator,attr,omitempty"`
		Text    string `xml:"ows:ExceptionText"`
	} `xml:"ows:Exception"`
}

// ows wraps a handler whose failures are exception reports. Where the path is the
// resource's name, what is not there is 404; in a query it is 400, as the
// standard has it.
func (s *Server) ows(h handler, path bool) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := h(w, r)
		if err == nil || gone(r, err) {
			return err
		}
		var e *owsError
		if !errors.As(err, &e) {
			f := classify(err)
			e = &owsError{status: f.status, code: "NoApplicableCode", text: f.detail}
			s.logFailure(r, f.status, err)
		}
		status := e.status
		if path && e.absent {
			status = http.StatusNotFound
		}
		report := exceptionReport{OWS: owsNamespace, Version: "1.1.0", Language: "en"}
		report.Exception.Code, report.Exception.Locator, report.Exception.Text = e.code, e.locator, e.text
		b, err := xml.Marshal(report)
		if err != nil {
			return fmt.Errorf("an exception report: %w", err)
		}
		header := w.Header()
		header.Del("ETag")
		header.Del("Content-Encoding")
		header.Set("Content-Type", typeXML)
		header.Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			_, err = w.Write(append([]byte(xml.Header), b...))
		}
		return err
	}
}
