#!/usr/bin/env bash
# screenshots.sh serves the demo city on a free port and writes the images of
# docs/images from it in Chromium.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/deps.sh
(cd test/browser && npm ci --no-audit --no-fund --loglevel=error)
node test/browser/screenshots.mjs "$@"
