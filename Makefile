# `make demo` and `make test` are all a newcomer needs; each installs what it lacks and says so.
SHELL := /bin/bash
.DEFAULT_GOAL := help
ENTER := source .ci/environment &&

.PHONY: help demo test test-files test-sql test-trino chaos lint bench bench-cluster generate cluster cluster-down

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: ## Infer, merge, query and summarise real files with the embedded engine (no cluster)
	@.ci/setup rust && $(ENTER) cargo build --quiet && examples/demo

cluster: ## Leave a real node running, with Mason and a finished run (needs root)
	@.ci/setup rust node && examples/cluster up

cluster-down: ## Stop it and remove what it kept
	@examples/cluster down

# The cases of property tests are the same in every run, so that a failure is of the change at hand;
# another seed and more cases are tried with: make test PROPTEST_RNG_SEED=$$RANDOM PROPTEST_CASES=5000
test: export PROPTEST_RNG_SEED ?= 20260901
test: ## Run every test
	@.ci/setup rust python cluster node && $(ENTER) cargo test --features test-support

DIR ?= tests/files/public
test-files: ## Read every data file below DIR (one folder or several) and compare with pyarrow, DuckDB and others
	@.ci/setup rust python && $(ENTER) cargo build --quiet && "$$MASON_TEST_PYTHON" tests/files $(DIR) \
	  --mason "$$CARGO_TARGET_DIR/debug/mason" --state "$$CARGO_TARGET_DIR/test-files.jsonl" $(if $(AGAIN),--again)

test-sql: ## Run generated SQL beside DuckDB and SQLite (SEED=n, COUNT=m)
	@.ci/setup rust python && $(ENTER) MASON_SQL_SEED=$(SEED) MASON_SQL_COUNT=$(COUNT) \
	  cargo test --features test-support --test sql -- --nocapture

test-trino: ## Have a real Trino read what Mason registers in Glue, and run what it hands to Athena (1.5 GB of memory)
	@.ci/setup rust python trino && $(ENTER) cargo test --features test-support --test operators trino:: -- --include-ignored

KILLS ?= 1000
chaos: ## Kill controllers and workers on a real API server (KILLS=1000, SEED=n); effects are counted outside
	@.ci/setup rust cluster && $(ENTER) MASON_CHAOS_KILLS=$(KILLS) MASON_CHAOS_SEED=$(SEED) \
	  cargo test --features test-support --test chaos -- --nocapture

lint: ## Check format, lints, features, licences and unused dependencies
	@.ci/setup rust lint && $(ENTER) .ci/lint

bench: ## Measure speed and memory beside peers, as ratios of one run
	@.ci/setup rust python && $(ENTER) benches/run

bench-cluster: ## Measure the controller on a real API server: runs a minute, latency, memory
	@.ci/setup rust cluster && $(ENTER) benches/cluster/run

generate: ## Write the generated files: CRDs, reference pages, the chart's copies and plain manifests
	@.ci/setup rust cluster && $(ENTER) cargo run --quiet -- generate && deploy/generate "$$MASON_TEST_CLUSTER/helm" deploy
