# Needs nothing but Python 3.11 or newer and make. Another interpreter: make PYTHON=python3.12 …
# Everything is installed into .venv, and only when the requirements have changed.

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Without compiling, a third faster: Python compiles what it imports.
INSTALL := $(PIP) install --quiet --require-hashes --no-compile

.DEFAULT_GOAL := help
.PHONY: help serve test soak check bench schema lock clean graphiql
.DELETE_ON_ERROR:

help:
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' $(MAKEFILE_LIST) | expand -t 16

# What takes time, at the same time.
SET_UP = $(MAKE) --silent --no-print-directory -j2

serve: ## start the server, with a PostgreSQL of its own unless ORGRAPH_DATABASE_URL names one
	@$(SET_UP) .venv/runtime graphiql
	@exec $(BIN)/python -m server.cli serve

test: ## run the tests; ARGS="-k invitation -x" goes to pytest
	@$(SET_UP) .venv/dev graphiql
	@$(BIN)/python -m pytest -m "not bench" --numprocesses=2 --dist=loadfile $(ARGS)

soak: .venv/dev ## run the races and the random searches for longer, which `make test` does shortened
	@ORGRAPH_TEST_THOROUGH=1 ORGRAPH_TEST_EXAMPLES=300 ORGRAPH_TEST_OPERATIONS=50000 $(BIN)/python -m pytest \
		--timeout=0 tests/test_races.py tests/test_seats.py tests/test_isolation.py tests/test_compiled.py $(ARGS)

check: .venv/dev ## formatting, lint, types, the schema's snapshot and the migrations
	@failed=; complain() { echo "make check: $$1" >&2; failed=1; }; \
	$(BIN)/ruff format --check . || complain "run '$(BIN)/ruff format .'"; \
	$(BIN)/ruff check . || complain "run '$(BIN)/ruff check --fix .' and mend by hand what is left"; \
	$(BIN)/mypy || complain "mend the types that mypy names"; \
	$(BIN)/python -m server.cli schema | diff -u schema/schema.graphql - || \
		complain "schema/schema.graphql is not the schema: run 'make schema' and commit it if the change is meant"; \
	scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; cp -R migrations pyproject.toml "$$scratch"; \
	drift=$$(cd "$$scratch" && "$(CURDIR)/$(BIN)/aerich" migrate --offline --no-input 2>&1); \
	case "$$drift" in \
		*"No changes detected"*) echo "Migrations: no changes detected" ;; \
		*) echo "$$drift" >&2; complain "models and migrations differ: run '$(BIN)/aerich migrate --offline' and complete the file by hand" ;; \
	esac; \
	test -z "$$failed"

bench: .venv/dev ## measure beside hand-written SQL, on an idle machine, in six minutes; ARGS="-k members" asks one question
	@command -v wrk > /dev/null || { echo "make bench takes the load generator wrk (Debian: apt-get install wrk)" >&2; exit 1; }
	@$(BIN)/python -m pytest -m bench tests/benchmarks --timeout=0 -s $(ARGS)

schema: .venv/runtime ## write schema/schema.graphql
	@mkdir -p .cache && $(BIN)/python -m server.cli schema > .cache/schema.graphql
	@mv .cache/schema.graphql schema/schema.graphql

UV_EXPORT = UV_PYTHON_DOWNLOADS=never .cache/uv/bin/uv export --quiet --no-config --python $(BIN)/python \
	--format requirements.txt --no-emit-project --no-header --no-annotate --no-default-groups

lock: .venv/bin/python .cache/uv/bin/uv ## write the hashed requirements out of pyproject.toml
	@rm -f uv.lock
	@$(UV_EXPORT) --group build --output-file requirements.txt > /dev/null
	@$(UV_EXPORT) --group build --group dev --output-file requirements-dev.txt > /dev/null
	@$(UV_EXPORT) --only-group node --output-file requirements-node.txt > /dev/null
	@rm -f uv.lock # it records where the files came from
	@! grep -nE '://|@ ' requirements.txt requirements-dev.txt requirements-node.txt

clean: ## remove what make has made; the data in .orgraph stays
	rm -rf .venv .cache build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis uv.lock
	rm -rf schema/graphiql/dist schema/graphiql/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Without npm on the machine, Node.js comes from a wheel. Without GraphiQL the server serves all else.
graphiql: | .venv/bin/python
	@command -v npm > /dev/null || test -d .cache/node || $(INSTALL) --target .cache/node -r requirements-node.txt || true
	@PYTHONPATH=.cache/node $(BIN)/python schema/graphiql/build.py || true

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Orgraph needs Python 3.11 or newer, and '$(PYTHON)' is not: try make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "'$(PYTHON)' cannot make virtual environments: install its venv module (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@$(PYTHON) -m venv --clear .venv

.venv/runtime: requirements.txt | .venv/bin/python
	@echo "Installing Orgraph and what it needs into .venv (once)"
	@$(INSTALL) -r requirements.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# A superset of requirements.txt in one go.
.venv/dev: requirements-dev.txt requirements.txt | .venv/bin/python
	@echo "Installing Orgraph and what its tests need into .venv (once)"
	@$(INSTALL) -r requirements-dev.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch .venv/runtime $@

.cache/uv/bin/uv: | .venv/bin/python
	@$(BIN)/python -m venv .cache/uv
	@.cache/uv/bin/python -m pip --disable-pip-version-check install --quiet uv
