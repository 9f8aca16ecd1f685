package webhooks_test

import (
	"net"
	"time"
)

// listen takes an address again that was in use a moment ago.
func listen(address string) (ln net.Listener, err error) {
	for range 50 {
		if ln, err = net.Listen("tcp", address); err == nil {
			return ln, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil, err
}
