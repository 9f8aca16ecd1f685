package mqtt

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// patient is a listener whose connections are closed when what is written to
// them is not read for some time.
type patient struct {
	net.Listener
	patience time.Duration
	complain *complaints
}

// Accept waits for a connection.
func (l *patient) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &patientConn{c, l}, nil
}

type patientConn struct {
	net.Conn
	l *patient
}

// SetDeadline is about reading only: the library sets it again with each packet
// that the client sends, and Write has a deadline of its own.
func (c *patientConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// Write closes the connection when it fails: the library goes on.
func (c *patientConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.l.patience)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(b)
	if err == nil {
		return n, nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.l.complain.about("an MQTT client is disconnected", "address", c.RemoteAddr().String(), "",
			fmt.Errorf("it has not read %d bytes for %v", len(b)-n, c.l.patience))
	}
	_ = c.Close()
	return n, err
}
