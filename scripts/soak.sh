#!/usr/bin/env bash
# soak.sh [SECONDS] keeps a server and a page under load, two hours unless told,
# and fails if the memory of either grows. CI runs five minutes of the same.
set -euo pipefail
cd "$(dirname "$0")/.."
make --no-print-directory build
cd test/browser
[ -d node_modules ] || npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
node soak.mjs --seconds "${1:-7200}"
