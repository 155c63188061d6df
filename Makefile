# Everything a person does with this checkout. `make run` and `make test` each work alone in a clean clone.
SHELL := /bin/bash
BIN := node_modules/.bin

.PHONY: run test check bench proto build clean install interop

run: build
	node dist/agent/main.js demo

test: build
	$(BIN)/tap run --disable-coverage dist/test/*/*.test.js

# The tests that need Debian packages (tshark).
interop: build
	$(BIN)/tap run --disable-coverage dist/test/peers/interop/*.test.js

check: build
	$(BIN)/tsc --noEmit
	$(BIN)/eslint .
	$(BIN)/depcruise --config .dependency-cruiser.cjs agent test bench
	$(BIN)/buf lint
	$(BIN)/buf breaking --against proto/baseline.binpb
	$(BIN)/knip

build: install proto
	@rm -rf dist
	$(BIN)/tsc

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
	rm -rf dist gen .tap
