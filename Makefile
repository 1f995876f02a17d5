# Each target is one or two commands that could be typed by hand.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME ?= 10s
PKG ?= ./...

# Tools are built from pinned versions into the project's own folder.
GOFUMPT_VERSION := v0.12.0
GOLANGCI_VERSION := v2.15.0
TOOLS := $(CURDIR)/.cache/bin
GOFUMPT := $(TOOLS)/gofumpt-$(GOFUMPT_VERSION)
GOLANGCI := $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION)

.PHONY: help demo build test test-short test-race test-docker servers lint format bench bench-catchup fuzz clean

help: ## List the targets (this text)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## Show ardso at work on three embedded databases; needs only Go
	go run ./cmd/ardso demo

build: ## Build bin/ardso, stamped with the version
	go build -trimpath -ldflags "-X main.version=$(VERSION)" -o bin/ardso ./cmd/ardso

test: servers ## Install missing database servers and run all tests
	go test -timeout 50m $(PKG)

test-short: ## Run the tests that take moments, on three engines (about two minutes)
	ARDSO_TEST_ENGINES=postgres15,mariadb10.11,sqlite ARDSO_TEST_FSYNC=off go test -short -timeout 5m $(PKG)

test-race: servers ## Run the tests of concurrent packages under the race detector
	go test -race -timeout 30m ./apply/... ./cdc/... ./cmd/... ./integration/dbtest/...

test-docker: ## Run all tests against servers in containers
	integration/docker/test.sh go test -timeout 50m $(PKG)

servers: ## Install the database servers of the tests that are missing
	@integration/servers.sh

lint: $(GOFUMPT) $(GOLANGCI) ## Check format and the linters of .golangci.yml
	@unformatted=$$($(GOFUMPT) -l .); [ -z "$$unformatted" ] || { echo "not formatted (make format):"; echo "$$unformatted"; exit 1; }
	$(GOLANGCI) run $(PKG)

format: $(GOFUMPT) ## Format all Go files
	$(GOFUMPT) -w .

bench: ## Run the benchmarks (PKG=./mapping/... for some)
	go test -run '^$$' -bench . -benchmem -timeout 60m $(PKG)

bench-catchup: servers ## Measure catching up beside PostgreSQL's and MariaDB's own replication
	ARDSO_BENCH=$${ARDSO_BENCH:-1} go test -run TestCatchUp -v -timeout 60m ./integration

fuzz: ## Run each fuzz target for FUZZTIME (10s)
	@grep -rl --include='*_test.go' '^func Fuzz' . | sort | while read -r file; do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$$file"); do \
			echo "fuzz $$(dirname "$$file") $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$(dirname "$$file")" </dev/null; \
		done; \
	done

clean: ## Remove what was built (not the installed servers)
	rm -rf bin .cache

$(GOFUMPT):
	@echo "building gofumpt $(GOFUMPT_VERSION)"
	@GOBIN=$(TOOLS) go install mvdan.cc/gofumpt@$(GOFUMPT_VERSION)
	@mv $(TOOLS)/gofumpt $@

$(GOLANGCI):
	@echo "building golangci-lint $(GOLANGCI_VERSION); this takes a minute, once"
	@GOBIN=$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv $(TOOLS)/golangci-lint $@
