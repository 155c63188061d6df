# Everything a person does with this checkout. `make run` and `make test` each work alone in a clean clone.
SHELL := /bin/bash
BIN := node_modules/.bin

.PHONY: run test interop torture check bench sbom proto build clean install

run: build
	node dist/agent/main.js demo

# FUZZ_FRAMES=n and FUZZ_SEED=n set the length and the seed of the fuzz tests.
test: build
	$(BIN)/tap run $$(ls dist/test/*.test.js dist/test/*/*.test.js | grep -v /interop/)

# The tests that need Debian packages: tshark, osmo-msc, stunnel4, sqlite3, Erlang's diameter, freeDiameter (.ci/run has the list); and root.
interop: build
	$(BIN)/tap run dist/test/interop/*.test.js

# Hurts running agents in every way (needs root, see test/torture/README.md); QUICK=1 is a short round of each, ONLY="kill clients" some of them.
torture: build
	node dist/test/torture/main.js $(if $(QUICK),--quick) $(ONLY)

bench: build
	node dist/bench/pipeline.js

check: build
	$(BIN)/tsc --noEmit
	$(BIN)/eslint .
	$(BIN)/depcruise --config .dependency-cruiser.cjs agent test bench
	$(BIN)/buf lint
	$(BIN)/buf breaking --against proto/baseline.binpb
	$(BIN)/knip

# What ships, for audits: CycloneDX. Of a copy without what is for development: told to omit that, npm forgets packages that both need.
SBOM ?= sbom.cdx.json
sbom:
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && mkdir "$$folder/landfall" && cp package.json package-lock.json "$$folder/landfall" && \
	(cd "$$folder/landfall" && npm pkg delete devDependencies && npm install --package-lock-only --ignore-scripts --offline --silent && \
	npm sbom --sbom-format cyclonedx --sbom-type application --package-lock-only > sbom) && cp "$$folder/landfall/sbom" $(SBOM)

build: install proto
	@rm -rf dist
	$(BIN)/tsc
	@cp gen/descriptors.binpb dist/gen/

proto: gen/.made
gen/.made: $(shell find proto -name '*.proto') buf.yaml buf.gen.yaml | install
	$(BIN)/buf generate
	$(BIN)/buf build -o gen/descriptors.binpb --as-file-descriptor-set
	@touch $@

install: node_modules/.package-lock.json
node_modules/.package-lock.json: package.json package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

clean:
	rm -rf dist gen .tap sbom.cdx.json
