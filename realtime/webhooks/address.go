package webhooks

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
)

// Addresses inside of other networks: those of NAT64 (RFC 6052 and 8215) and
// 6to4 hold an address of IPv4, after 12 and 2 bytes.
var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96")
	nat64Own  = netip.MustParsePrefix("64:ff9b:1::/48")
	sixToFour = netip.MustParsePrefix("2002::/16")
)

// metadata are addresses, besides the link-local ones, where clouds answer with
// the secrets of the machine.
var metadata = map[netip.Addr]bool{
	netip.MustParseAddr("100.100.100.200"): true,
	netip.MustParseAddr("fd00:ec2::254"):   true,
	netip.MustParseAddr("fd20:ce::254"):    true,
}

// checkDial refuses what no receiver is at. The names have been looked up when
// it is called.
func checkDial(_, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%s is no address", address)
	}
	return checkAddress(a.Addr())
}

// checkAddress refuses link-local and metadata addresses, multicast and no
// address, also where an IPv6 address stands for such an IPv4 address.
func checkAddress(ip netip.Addr) error {
	ip = ip.Unmap().WithZone("")
	b := ip.As16()
	var inside netip.Addr
	switch {
	case nat64.Contains(ip):
		inside = netip.AddrFrom4([4]byte(b[12:]))
	case sixToFour.Contains(ip):
		inside = netip.AddrFrom4([4]byte(b[2:]))
	case nat64Own.Contains(ip):
		inside = netip.AddrFrom4([4]byte(b[12:]))
	}
	if inside.IsValid() {
		if err := checkAddress(inside); err != nil {
			return fmt.Errorf("%s stands for %w", ip, err)
		}
	}
	switch {
	case metadata[ip]:
		return fmt.Errorf("%s is where a cloud keeps a machine's secrets: events are not posted there", ip)
	case ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return fmt.Errorf("%s is link-local, multicast, broadcast or unspecified: events are not posted there", ip)
	}
	return nil
}

// checkPlace refuses a hook whose port or literal address cannot be a receiver's.
// It fails with layers.ErrInvalid. What was taken before this was checked is
// still read, and fails when it is dialled.
func (h *Hook) checkPlace() error {
	u, err := url.Parse(h.URL)
	if err != nil {
		return invalid("url %.80q of webhook %s cannot be read", h.URL, h.ID)
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return invalid("url of webhook %s: port %.20s, expected 1 to 65535", h.ID, p)
		}
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return nil //nolint:nilerr // a name
	}
	if err := checkAddress(ip); err != nil {
		return invalid("url of webhook %s: %v", h.ID, err)
	}
	return nil
}
