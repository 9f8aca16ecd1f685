package jt808

import (
	"bufio"
	"context"
	"encoding/hex"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/spatial"
)

// platform is a running server with a hub behind it.
type platform struct {
	*Server
	hub  *realtime.Hub
	addr string
}

func run(t *testing.T, set func(*Options)) platform {
	t.Helper()
	hub := realtime.New(realtime.Options{})
	require.NoError(t, hub.AddLayer(layers.Layer{
		ID: "vehicles", Kind: layers.KindVehicle, GeometryType: spatial.Point, CRS: 4326, MaxZoom: 16, Live: &layers.Live{},
	}))
	o := Options{Sink: hub, Layer: "vehicles", Accept: AcceptAny, Secret: []byte("a secret of sixteen or more"), Registerer: prometheus.NewRegistry()}
	if set != nil {
		set(&o)
	}
	s, err := New(o)
	require.NoError(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	wait.Go(func() { require.NoError(t, s.Serve(ctx, ln)) })
	t.Cleanup(func() { cancel(); wait.Wait() })
	return platform{s, hub, ln.Addr().String()}
}

// terminal is a connection to the platform.
type terminal struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func (p platform) dial(t *testing.T) *terminal {
	t.Helper()
	var d net.Dialer
	c, err := d.DialContext(t.Context(), "tcp", p.addr)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	return &terminal{t, c, bufio.NewReader(c)}
}

func (c *terminal) write(b []byte) {
	c.t.Helper()
	_, err := c.Write(b)
	require.NoError(c.t, err)
}

// read is the next frame of the platform.
func (c *terminal) read() Frame {
	c.t.Helper()
	for {
		b, err := c.r.ReadBytes(flag)
		require.NoError(c.t, err)
		if len(b) > 1 {
			f, err := Decode(b[:len(b)-1])
			require.NoError(c.t, err)
			return f
		}
	}
}

func (c *terminal) ask(f Frame) Frame {
	c.t.Helper()
	c.write(f.Append(nil))
	return c.read()
}

// requireReply asserts a general answer to a message.
func (c *terminal) requireReply(f Frame, serial, id uint16, r result) {
	c.t.Helper()
	require.Equal(c.t, uint16(idReply), f.ID)
	require.Equal(c.t, []byte{byte(serial >> 8), byte(serial), byte(id >> 8), byte(id), byte(r)}, f.Body)
}

// now sets the clock of a golden position to the present, for the hub believes
// no future and keeps no distant past.
func now(f Frame) Frame {
	f.Body = append([]byte(nil), f.Body...)
	t := time.Now().In(zone)
	year, month, day := t.Date()
	for i, v := range []int{year % 100, int(month), day, t.Hour(), t.Minute(), t.Second()} {
		f.Body[22+i] = byte(v/10<<4 | v%10)
	}
	return f
}

func TestRecordedExchangeInBothEditions(t *testing.T) {
	for _, name := range []string{"exchange-position-1", "2013-position-speed"} {
		t.Run(name, func(t *testing.T) {
			p := run(t, func(o *Options) { o.Accept = AcceptRegistered })
			c := p.dial(t)
			position := now(find(t, name).decode(t))
			registration := Frame{ID: idRegister, Edition: position.Edition, Terminal: position.Terminal, Serial: 65534, Body: make([]byte, 37)}
			if position.Edition > 0 {
				registration.Body = make([]byte, 76)
			}
			registration.Body = append(registration.Body, 0xbb, 0xa6, 'A', '1') // 沪A1

			c.requireReply(c.ask(position), position.Serial, idPosition, resultFailed)
			_, err := p.hub.Find("vehicles", position.Phone())
			require.ErrorIs(t, err, layers.ErrNotFound, "nobody has authenticated")

			answer := c.ask(registration)
			require.Equal(t, uint16(idRegisterReply), answer.ID)
			require.Equal(t, position.Terminal, answer.Terminal, "the raw bytes come back")
			require.Equal(t, position.Edition, answer.Edition)
			require.Equal(t, []byte{0xff, 0xfe, 0}, answer.Body[:3])
			token := answer.Body[3:]

			authentication := Frame{ID: idAuthenticate, Edition: position.Edition, Terminal: position.Terminal, Serial: 7}
			body := func(token []byte) []byte {
				if position.Edition == 0 {
					return token
				}
				return append(append([]byte{byte(len(token))}, token...), make([]byte, 35)...)
			}
			authentication.Body = body([]byte("wrong"))
			c.requireReply(c.ask(authentication), 7, idAuthenticate, resultFailed)
			authentication.Body = body(token)
			c.requireReply(c.ask(authentication), 7, idAuthenticate, resultDone)

			c.requireReply(c.ask(position), position.Serial, idPosition, resultDone)
			e, err := p.hub.Find("vehicles", position.Phone())
			require.NoError(t, err)
			require.Contains(t, string(e.Properties), `"plate":"沪A1"`)
			c.requireReply(c.ask(position), position.Serial, idPosition, resultDone) // a repetition is answered again

			c.requireReply(c.ask(Frame{ID: idHeartbeat, Edition: position.Edition, Terminal: position.Terminal, Serial: 9}), 9, idHeartbeat, resultDone)
			c.requireReply(c.ask(Frame{ID: 0x0f01, Edition: position.Edition, Terminal: position.Terminal, Serial: 10}), 10, 0x0f01, resultUnsupported)

			// The token holds on another connection, without registration.
			other := p.dial(t)
			other.requireReply(other.ask(authentication), 7, idAuthenticate, resultDone)
			_, err = c.r.ReadByte()
			require.Error(t, err, "a second connection replaces the first")
		})
	}
}

func TestKnownTerminalsOnly(t *testing.T) {
	p := run(t, func(o *Options) { o.Accept, o.Known = AcceptKnown, []string{"13511221122"} })
	c := p.dial(t)
	known := find(t, "2013-register").decode(t)
	require.Equal(t, byte(registered), c.ask(known).Body[2])
	stranger := find(t, "2013-register-2011-body").decode(t)
	require.Equal(t, []byte{0, 15, terminalUnknown}, c.ask(stranger).Body)
}

func TestPartsInterleavedOutOfOrderAndOverTheWrapOfSerials(t *testing.T) {
	p := run(t, nil)
	c := p.dial(t)
	one := []golden{find(t, "2019-parts-0704-1"), find(t, "2019-parts-0704-2"), find(t, "2019-parts-0704-3")}
	other := []golden{find(t, "2013-parts-1205-1"), find(t, "2013-parts-1205-2")}
	for _, g := range []golden{one[2], other[0], one[0], one[0], other[1], one[1]} {
		f := g.decode(t)
		want := resultDone
		if g.name == "2013-parts-1205-2" {
			want = resultUnsupported // whole, and a message that is not taken
		}
		c.requireReply(c.ask(f), f.Serial, f.ID, want)
	}
	e, err := p.hub.Find("vehicles", "13900000001")
	require.NoError(t, err)
	require.Equal(t, "2026-03-01T00:00:40Z", e.Time.UTC().Format(time.RFC3339), "the last of five positions")
}

func TestMissingPartsAreAskedFor(t *testing.T) {
	var a assembler
	start := time.Now()
	want := find(t, "2019-parts-0704-ask").decode(t)
	f := find(t, "2019-parts-0704-3").decode(t)
	_, whole, err := a.add(&f, start)
	require.NoError(t, err)
	require.False(t, whole)
	f = find(t, "2019-parts-0704-1").decode(t)
	_, _, err = a.add(&f, start)
	require.NoError(t, err)
	var asked [][]byte
	ask := func(m *assembly, missing []uint16) {
		asked = append(asked, resend(m.first.Edition, m.serial, missing))
	}
	next, waiting := a.due(start, ask)
	require.True(t, waiting)
	require.Empty(t, asked)
	require.Equal(t, start.Add(askAfter), next)
	for i := range 200 {
		a.due(start.Add(time.Duration(i)*time.Second), ask)
	}
	require.Len(t, asked, askTimes)
	golden := want.Body // asks for parts 2 and 3, when only the first came
	require.Equal(t, golden[:2], asked[0][:2], "the serial of the first part")
	require.Equal(t, []byte{0, 1, 0, 2}, asked[0][2:], "part 2 alone")
	require.Empty(t, a.open, "forgotten in the end")

	require.Equal(t, find(t, "2013-resend-request").decode(t).Body, resend(0, 0x1099, []uint16{1, 2, 3, 4, 5, 6, 7, 8, 9}))
	require.Equal(t, find(t, "2019-resend-request").decode(t).Body, resend(1, 0x1099, []uint16{1, 2, 3, 4, 5, 6, 7, 8, 9}))
	require.Equal(t, find(t, "2019-time-reply").decode(t).Body, timeReply(time.Date(2019, 12, 2, 18, 10, 10, 0, zone)))
}

func TestAssemblerIsBounded(t *testing.T) {
	var a assembler
	for i := range 100 {
		f := Frame{ID: idBatch, Terminal: []byte{1}, Serial: uint16(i * 300), Parts: 200, Part: 1, Body: make([]byte, maxBody)}
		_, _, err := a.add(&f, time.Now())
		require.NoError(t, err)
		require.LessOrEqual(t, len(a.open), maxAssembled)
	}
	for _, f := range []Frame{{Parts: 3, Part: 4}, {Parts: 3, Part: 0}, {Parts: 300, Part: 1}} {
		_, _, err := a.add(&f, time.Now())
		require.ErrorIs(t, err, ErrMalformed)
	}
	f := Frame{ID: idBatch, Terminal: []byte{1}, Serial: 99*300 + 1, Parts: 100, Part: 2}
	_, _, err := a.add(&f, time.Now())
	require.ErrorIs(t, err, ErrMalformed, "the total changed")
}

func TestBadInputIsCountedAndEndsWithoutHarm(t *testing.T) {
	p := run(t, nil)
	c := p.dial(t)
	good := find(t, "exchange-heartbeat")
	c.write([]byte("GET / HTTP/1.1\r\n\r\n"))
	c.write(good.hex) // its first flag ends the garbage
	c.requireReply(c.read(), 420, idHeartbeat, resultDone)
	for _, name := range []string{"2013-bad-checksum", "2013-length-mismatch"} {
		c.write(find(t, name).hex)
	}
	f := find(t, "2013-encrypted").decode(t)
	c.write(find(t, "2013-encrypted").hex)
	c.requireReply(c.read(), f.Serial, f.ID, resultUnsupported)
	for name, want := range map[string]result{
		"2013-bad-time": resultMalformed, "2013-part-out-of-range": resultMalformed,
		"2013-truncated-batch": resultMalformed, "2019-batch-2": resultMalformed, "2013-position-nofix-zero": resultDone,
	} {
		f := find(t, name).decode(t)
		c.requireReply(c.ask(f), f.Serial, f.ID, want)
	}
	require.InDelta(t, 3, testutil.ToFloat64(p.metrics.frames.WithLabelValues("bad")), 0)
	_, err := p.hub.Find("vehicles", "139000000003")
	require.ErrorIs(t, err, layers.ErrNotFound)

	// Ten bad frames running end the connection, and so does a flood without flags.
	for _, garbage := range []string{strings.Repeat("~nonsense", 12), strings.Repeat("x", MaxFrame*2)} {
		c := p.dial(t)
		_, _ = c.Write([]byte(garbage))
		_, err := c.r.ReadByte()
		require.Error(t, err)
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "closed, not waiting")
	}
}

func TestSilenceAndCrowdsAreBounded(t *testing.T) {
	p := run(t, func(o *Options) { o.Idle, o.MaxConnections = 300*time.Millisecond, 2 })
	a, b := p.dial(t), p.dial(t)
	a.requireReply(a.ask(find(t, "exchange-heartbeat").decode(t)), 420, idHeartbeat, resultDone)
	b.requireReply(b.ask(find(t, "2013-heartbeat").decode(t)), 183, idHeartbeat, resultDone)
	third := p.dial(t)
	_, err := third.r.ReadByte()
	require.Error(t, err, "one too many")
	half := find(t, "exchange-heartbeat").hex
	a.write(half[:len(half)/2]) // a frame that never ends does not keep the connection
	_, err = a.r.ReadByte()
	require.Error(t, err)
	_, err = b.r.ReadByte()
	require.Error(t, err)
	require.Eventually(t, func() bool { return testutil.ToFloat64(p.metrics.connections) == 0 }, 30*time.Second, 10*time.Millisecond)
}

func TestOptionsThatCannotBe(t *testing.T) {
	hub := realtime.New(realtime.Options{})
	for _, o := range []Options{{}, {Sink: hub}, {Sink: hub, Layer: "v"}, {Sink: hub, Layer: "v", Accept: "all"}, {Sink: hub, Layer: "v", Secret: []byte("short")}} {
		_, err := New(o)
		require.ErrorIs(t, err, layers.ErrInvalid)
	}
}

func FuzzFrame(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(g.hex[1 : len(g.hex)-1])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := Decode(append([]byte(nil), b...))
		if err != nil {
			require.ErrorIs(t, err, ErrFrame)
			return
		}
		_, _ = DecodeRegistration(frame.Body, frame.Edition)
		_, _ = DecodeAuthentication(frame.Body, frame.Edition)
		_, _ = DecodeBatch(frame.Body, zone)
		if l, err := DecodeLocation(frame.Body, zone); err == nil {
			if p, ok := l.Position("vehicles", frame.Phone(), "", DatumAuto); ok {
				require.LessOrEqual(t, p.Lat, 91.0)
			}
		}
		if !frame.Encrypted {
			again, err := Decode(frame.Append(nil)[1 : len(frame.Append(nil))-1])
			require.NoError(t, err)
			require.Equal(t, hex.EncodeToString(frame.Body), hex.EncodeToString(again.Body))
		}
	})
}

func BenchmarkDecodePosition(b *testing.B) {
	g := find(b, "exchange-position-1")
	piece := make([]byte, 0, 128)
	b.ReportAllocs()
	for b.Loop() {
		piece = append(piece[:0], g.hex[1:len(g.hex)-1]...)
		f, err := Decode(piece)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := DecodeLocation(f.Body, zone); err != nil {
			b.Fatal(err)
		}
	}
}
