#!/usr/bin/env bash
# Runs every test and ends with one line: N passed, N failed.
# See scripts/testrun for what it runs; its steps may be named: scripts/test.sh go proof
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/deps.sh
mkdir -p .bin
go build -o .bin/testrun ./scripts/testrun # not go run, which writes a line of its own after the last
exec .bin/testrun "$@"
