#!/usr/bin/env bash
# generate.sh makes the FlatBuffers code of the live protocol anew (Debian
# package flatbuffers-compiler) and fails if the committed code differed.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v flatc >/dev/null || { echo "flatc is missing: apt-get install flatbuffers-compiler" >&2; exit 1; }
realtime/wire/generate.sh
git diff --exit-code --stat -- realtime/wire web/viewer/src/realtime
echo "generated code is up to date"
