#!/usr/bin/env bash
# generate.sh makes the Go and TypeScript code of live.fbs with flatc (Debian
# package flatbuffers-compiler, 2.0.8).
set -euo pipefail
cd "$(dirname "$0")/../.."
viewer=web/viewer/src/realtime
flatc --go -o realtime realtime/wire/live.fbs
flatc --ts -o "$viewer" realtime/wire/live.fbs
rm "$viewer/live_generated.ts" # exports everything again; nobody imports it
# The generated code is not written for strict compilers.
sed -i '1i // @ts-nocheck' "$viewer"/wire/*.ts
gofmt -w realtime/wire
