package jt808

import (
	"bufio"
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"net"
	"time"

	"twind/realtime"
)

// maxBad is how many bad frames running end a connection.
const maxBad = 10

// writeTimeout is how long a terminal may take to read an answer.
const writeTimeout = 10 * time.Second

// session is one connection. One goroutine reads, applies and answers, so a
// terminal that does not wait for answers fills its own send buffer, not memory.
type session struct {
	server *Server
	conn   net.Conn
	r      *bufio.Reader
	parts  assembler
	serial uint16 // of our next frame
	bad    int    // bad frames running
	heard  time.Time

	phone         string // guarded by the server
	authenticated string // phone that authenticated on this connection
	plate         string
	out           []byte
	batch         []realtime.Position
}

func newSession(s *Server, conn net.Conn) *session {
	return &session{server: s, conn: conn, r: bufio.NewReaderSize(conn, MaxFrame+2), heard: time.Now()}
}

// errGarbage ends a connection that does not speak the protocol.
var errGarbage = errors.New("ten bad frames running, or 2,090 bytes without a flag")

func (x *session) run(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { x.conn.Close() })
	defer stop()
	for {
		piece, err := x.next()
		if err == nil && len(piece) > 0 {
			err = x.frame(ctx, piece)
		}
		if err != nil {
			x.server.o.Log.Debug("a terminal's connection ends", "remote", x.conn.RemoteAddr().String(), "error", err)
			return
		}
	}
}

// next is what stands before the next flag, without it; while it waits, it asks
// again for parts that are missing. Bytes before the first flag are garbage and
// go the way of bad frames.
func (x *session) next() ([]byte, error) {
	for {
		now := time.Now()
		wake := x.heard.Add(x.server.o.Idle)
		if again, waiting := x.parts.due(now, x.askAgain); waiting && again.Before(wake) {
			wake = again
		}
		if err := x.conn.SetReadDeadline(wake); err != nil {
			return nil, err
		}
		piece, err := x.piece()
		var ne net.Error
		switch {
		case err == nil:
			x.heard = time.Now()
			return piece, nil
		case errors.As(err, &ne) && ne.Timeout() && time.Since(x.heard) < x.server.o.Idle:
			continue
		case errors.Is(err, bufio.ErrBufferFull):
			return nil, errGarbage
		default:
			return nil, err
		}
	}
}

// piece reads up to the next flag and leaves it out. After an error what had
// come is still there, so that the reading can go on after a timeout.
func (x *session) piece() ([]byte, error) {
	for {
		have, _ := x.r.Peek(x.r.Buffered())
		if i := bytes.IndexByte(have, flag); i >= 0 {
			_, err := x.r.Discard(i + 1)
			return have[:i], err // whole until the next read
		}
		if _, err := x.r.Peek(len(have) + 1); err != nil {
			return nil, err
		}
	}
}

// frame takes one frame.
func (x *session) frame(ctx context.Context, piece []byte) error {
	f, err := Decode(bytes.Clone(piece))
	if err != nil {
		x.server.metrics.frames.WithLabelValues("bad").Inc()
		if x.bad++; x.bad >= maxBad {
			return errGarbage
		}
		return nil
	}
	x.bad = 0
	x.server.metrics.frames.WithLabelValues("ok").Inc()
	x.server.own(x, f.Phone())
	if f.Encrypted {
		return x.answer(&f, resultUnsupported)
	}
	if f.Parts == 0 {
		return x.message(ctx, &f)
	}
	body, whole, err := x.parts.add(&f, time.Now())
	if err != nil {
		return x.answer(&f, resultMalformed)
	}
	if !whole {
		return x.answer(&f, resultDone)
	}
	f.Body = body
	return x.message(ctx, &f)
}

// message takes a whole message.
func (x *session) message(ctx context.Context, f *Frame) error {
	switch f.ID {
	case idTerminalReply:
		return nil
	case idHeartbeat, idLogout:
		return x.answer(f, resultDone)
	case idTimeRequest:
		return x.send(f, idTimeReply, timeReply(time.Now()))
	case idRegister:
		return x.register(f)
	case idAuthenticate:
		return x.authenticate(f)
	case idPosition:
		return x.position(ctx, f, f.Body, true)
	case idPositionReply:
		if len(f.Body) < 2 {
			return nil
		}
		return x.position(ctx, f, f.Body[2:], false)
	case idBatch:
		return x.positions(ctx, f)
	}
	return x.answer(f, resultUnsupported)
}

func (x *session) register(f *Frame) error {
	r, err := DecodeRegistration(f.Body, f.Edition)
	if err != nil {
		return x.answer(f, resultMalformed)
	}
	phone := f.Phone()
	if !x.server.known(phone) {
		return x.send(f, idRegisterReply, registerReply(f, terminalUnknown, ""))
	}
	x.plate = r.Plate
	return x.send(f, idRegisterReply, registerReply(f, registered, x.server.token(phone)))
}

func (x *session) authenticate(f *Frame) error {
	a, err := DecodeAuthentication(f.Body, f.Edition)
	if err != nil {
		return x.answer(f, resultMalformed)
	}
	phone := f.Phone()
	right := x.server.o.Accept == AcceptAny ||
		x.server.known(phone) && subtle.ConstantTimeCompare([]byte(a.Token), []byte(x.server.token(phone))) == 1
	if !right {
		return x.answer(f, resultFailed)
	}
	x.authenticated = phone
	return x.answer(f, resultDone)
}

// position takes one position; one that answers a request of ours gets no answer.
func (x *session) position(ctx context.Context, f *Frame, body []byte, answered bool) error {
	l, err := DecodeLocation(body, x.server.o.Zone)
	r := resultMalformed
	if err == nil {
		r = x.apply(ctx, f, []Location{l})
	}
	if !answered {
		return nil
	}
	return x.answer(f, r)
}

func (x *session) positions(ctx context.Context, f *Frame) error {
	b, err := DecodeBatch(f.Body, x.server.o.Zone)
	r := x.apply(ctx, f, b.Locations)
	if err != nil && r == resultDone {
		r = resultMalformed
	}
	return x.answer(f, r)
}

// apply gives positions to the hub and waits until they are kept. What the hub
// refuses for good (too old, a jump) is done all the same: a repetition would
// change nothing.
func (x *session) apply(ctx context.Context, f *Frame, list []Location) result {
	phone := f.Phone()
	if x.server.o.Accept != AcceptAny && x.authenticated != phone {
		x.server.metrics.positions.WithLabelValues("unauthenticated").Add(float64(len(list)))
		return resultFailed
	}
	x.batch = x.batch[:0]
	for i := range list {
		if p, ok := list[i].Position(x.server.o.Layer, phone, x.plate, x.server.o.Datum); ok {
			x.batch = append(x.batch, p)
		}
	}
	if len(x.batch) == 0 {
		return resultDone
	}
	done, err := x.server.o.Sink.Apply(ctx, x.batch)
	if err == nil {
		err = x.server.o.Sink.Recorded(ctx)
	}
	x.server.metrics.positions.WithLabelValues("accepted").Add(float64(done.Accepted))
	for _, refused := range done.Refused {
		x.server.metrics.positions.WithLabelValues(refused.Outcome.String()).Inc()
	}
	if err != nil || done.Unrecorded > 0 {
		return resultFailed
	}
	return resultDone
}

func (x *session) answer(f *Frame, r result) error { return x.send(f, idReply, reply(f, r)) }

// send sends a frame to the terminal of f in its own form of header.
func (x *session) send(f *Frame, id uint16, body []byte) error {
	answer := Frame{ID: id, Edition: f.Edition, Terminal: f.Terminal, Serial: x.serial, Body: body}
	x.serial++
	x.out = answer.Append(x.out[:0])
	if err := x.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := x.conn.Write(x.out)
	return err
}

// askAgain asks for the parts that are missing.
func (x *session) askAgain(m *assembly, missing []uint16) {
	_ = x.send(&m.first, idResend, resend(m.first.Edition, m.serial, missing)) // reading will find the connection broken
}
