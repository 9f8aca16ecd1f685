package jt808

import (
	"fmt"
	"time"
)

// Limits of the messages that one connection may have under assembly.
const (
	maxParts     = 256
	maxAssembled = 4
	askAfter     = 5 * time.Second // without a part
	askTimes     = 5
	forgetAfter  = time.Minute
)

// assembler joins the parts of messages. Messages are told apart by terminal, id
// and the serial of their first part, so that interleaved ones do not mix.
type assembler struct {
	open []*assembly
}

type assembly struct {
	first   Frame // the header of the first part that came, without body
	serial  uint16
	parts   [][]byte
	missing int
	touched time.Time
	asked   int
}

// add takes a part. The body is complete when whole is true; the memory of part
// bodies is copied. It fails with ErrMalformed for a part that cannot be.
func (a *assembler) add(f *Frame, now time.Time) (body []byte, whole bool, err error) {
	if f.Part == 0 || f.Part > f.Parts || f.Parts > maxParts {
		return nil, false, fmt.Errorf("%w: part %d of %d, with at most %d parts", ErrMalformed, f.Part, f.Parts, maxParts)
	}
	serial := f.Serial - (f.Part - 1)
	m := a.find(f, serial)
	if m == nil {
		if len(a.open) == maxAssembled {
			a.open = a.open[1:] // the oldest gives way
		}
		m = &assembly{first: *f, serial: serial, parts: make([][]byte, f.Parts), missing: int(f.Parts)}
		m.first.Body = nil
		m.first.Terminal = append([]byte(nil), f.Terminal...)
		a.open = append(a.open, m)
	}
	if len(m.parts) != int(f.Parts) {
		return nil, false, fmt.Errorf("%w: part %d of %d, but other parts say %d", ErrMalformed, f.Part, f.Parts, len(m.parts))
	}
	m.touched = now
	if m.parts[f.Part-1] == nil {
		m.parts[f.Part-1] = append([]byte{}, f.Body...)
		m.missing--
	}
	if m.missing > 0 {
		return nil, false, nil
	}
	for _, p := range m.parts {
		body = append(body, p...)
	}
	a.remove(m)
	return body, true, nil
}

func (a *assembler) find(f *Frame, serial uint16) *assembly {
	for _, m := range a.open {
		if m.serial == serial && m.first.ID == f.ID && string(m.first.Terminal) == string(f.Terminal) {
			return m
		}
	}
	return nil
}

func (a *assembler) remove(m *assembly) {
	for i, o := range a.open {
		if o == m {
			a.open = append(a.open[:i:i], a.open[i+1:]...)
			return
		}
	}
}

// due calls ask for each message that has waited too long for a part, with the
// numbers of the parts that are missing, and forgets those that waited in vain.
// It returns when to call again; false when nothing waits.
func (a *assembler) due(now time.Time, ask func(m *assembly, missing []uint16)) (next time.Time, waiting bool) {
	for i := 0; i < len(a.open); {
		m := a.open[i]
		if now.Sub(m.touched) >= forgetAfter {
			a.remove(m)
			continue
		}
		if at := m.touched.Add(askAfter * time.Duration(m.asked+1)); m.asked < askTimes && !now.Before(at) {
			m.asked++
			ask(m, m.lacking())
		}
		at := m.touched.Add(forgetAfter)
		if m.asked < askTimes {
			at = m.touched.Add(askAfter * time.Duration(m.asked+1))
		}
		if !waiting || at.Before(next) {
			next, waiting = at, true
		}
		i++
	}
	return next, waiting
}

func (m *assembly) lacking() (numbers []uint16) {
	for i, p := range m.parts {
		if p == nil {
			numbers = append(numbers, uint16(i+1))
		}
	}
	return numbers
}
