#!/usr/bin/env bash
# bench.sh [PATTERN] runs the benchmarks, with allocations; where a benchmark
# compares with something real it reports the ratio from the same run. Those that
# need PostgreSQL carry the build tag proof. One package at a time: they share the
# processors. "Crowd" is the page with 100,000 vehicles, which needs bin/twind.
set -euo pipefail
cd "$(dirname "$0")/.."
packages=$(git grep -l 'func Benchmark' -- '*_test.go' | xargs -n1 dirname | sort -u | sed 's|^|./|')
# shellcheck disable=SC2086
go test -p 1 -tags proof -run '^$' -bench "${1:-.}" -benchmem -timeout 60m $packages
if [[ Crowd =~ ${1:-.} ]]; then
	cd test/browser
	[ -d node_modules ] || npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	node crowd.mjs
fi
