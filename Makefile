# twind: `make` lists the verbs.
SHELL := /bin/bash
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
export CGO_ENABLED ?= 0
export GOFLAGS ?= -buildvcs=false
NPM_CI := npm ci --no-audit --no-fund --loglevel=error
VIEWER_SOURCES := $(shell find web/viewer -path web/viewer/node_modules -prune -o -path web/viewer/dist -prune -o -type f -print 2>/dev/null)
GO_SOURCES := $(shell find . -name node_modules -prune -o -name '*.go' -print 2>/dev/null) go.mod go.sum

.PHONY: help build viewer demo test lint race fuzz bench golden generate screenshots clean

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## build everything and serve the demo city on http://127.0.0.1:8080
	@bin/twind demo $(ARGS)

build: bin/twind ## build bin/twind, static, with the viewer inside

bin/twind: .stamps/viewer $(GO_SOURCES)
	@echo "building bin/twind"
	@go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/twind ./cmd/twind

viewer: .stamps/viewer ## build the viewer into web/viewer/dist

.stamps/npm: web/viewer/package-lock.json
	@echo "installing the viewer's packages"
	@cd web/viewer && $(NPM_CI)
	@mkdir -p .stamps && touch $@

.stamps/viewer: .stamps/npm $(VIEWER_SOURCES)
	@echo "building the viewer"
	@cd web/viewer && npm run --silent build
	@mkdir -p .stamps && touch $@

test: ## install what tests need, run them all, count them
	@scripts/test.sh

lint: .bin/golangci-lint .stamps/npm ## check formatting, vet and lint Go and TypeScript
	@.bin/golangci-lint run --timeout 15m ./...
	@cd web/viewer && npm run --silent lint && npm run --silent typecheck

.bin/golangci-lint:
	@echo "installing golangci-lint"
	@mkdir -p .bin && GOBIN=$(CURDIR)/.bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

race: ## Go tests under the race detector only
	@CGO_ENABLED=1 go test -race ./...

fuzz: ## each fuzz target for FUZZTIME (default 10s)
	@scripts/fuzz.sh $(or $(FUZZTIME),10s)

bench: build ## benchmarks with allocations and ratios
	@scripts/bench.sh

golden: ## rewrite golden files; review the diff
	@go test ./tiles/... ./internal/golden/... -update

generate: ## regenerate the FlatBuffers code; shows a diff if it was stale
	@scripts/generate.sh

screenshots: build ## write docs/images from the running demo
	@scripts/screenshots.sh

clean: ## remove what was built
	@rm -rf bin .stamps web/viewer/dist/* web/viewer/node_modules test/browser/node_modules test/judges/node_modules
