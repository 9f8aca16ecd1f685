#!/bin/sh
# Installs from Debian or Ubuntu what the tests need and does not find.
#
#   scripts/deps.sh           install what is missing; nothing to do takes < 1 s
#   scripts/deps.sh --check   only say what is missing; exit status 1 if anything is
set -eu

have() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/usr/bin/$1" ]; }
any() { for f in "$@"; do [ -e "$f" ] && return 0; done; return 1; }

for tool in go node npm make git; do
	have "$tool" || { echo "$tool is not installed: twind is built with Go 1.26, Node 20.19 or newer, make and git" >&2; exit 1; }
done

missing=
need() { missing="$missing${missing:+ }$1"; }

have gcc || need gcc # go test -race
any /usr/include/stdio.h /usr/include/*/stdio.h || need libc6-dev
have pkg-config || need pkg-config
any /usr/include/zlib.h || need zlib1g-dev
any /etc/ssl/certs/ca-certificates.crt || need ca-certificates
any /usr/share/postgresql/*/extension/postgis.control && any /usr/lib/postgresql/*/bin/initdb || need postgresql-15-postgis-3
have runuser || need util-linux
have chromium || have chromium-browser || have google-chrome || need chromium
have ogrinfo || need gdal-bin
have mosquitto || need mosquitto
have mosquitto_pub || need mosquitto-clients
have redis-server || need redis-server
have zstd || need zstd
any /usr/share/fonts/opentype/noto/NotoSansCJK*.ttc /usr/share/fonts/truetype/wqy/*.ttc || need fonts-noto-cjk

[ -n "$missing" ] || exit 0

if [ "${1-}" = --check ]; then
	echo "missing: $missing: run scripts/deps.sh" >&2
	exit 1
fi

refuse() {
	echo "the tests need the packages $missing: $1" >&2
	exit 1
}
have apt-get || refuse "install them with your system's package manager (only Debian and Ubuntu are known here)"
sudo=
if [ "$(id -u)" != 0 ]; then
	have sudo && sudo -n true 2>/dev/null || refuse "run \"sudo apt-get install $missing\""
	sudo="sudo -n"
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { # $sudo is empty or two words
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1
}
echo "installing $missing" >&2
apt update || { tail -n 5 "$log" >&2; refuse "apt-get update failed"; }
# Releases other than Debian 12 have another PostgreSQL: their metapackage names it.
case $missing in *postgresql-15-postgis-3*)
	if ! apt-cache show postgresql-15-postgis-3 >/dev/null 2>&1; then
		missing=$(echo "$missing" | sed 's/postgresql-15-postgis-3/postgresql-postgis/')
	fi ;;
esac
# shellcheck disable=SC2086 # a list of names
apt install --no-install-recommends $missing || { tail -n 5 "$log" >&2; refuse "apt-get install failed"; }
