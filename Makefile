# `make` alone lists the targets with the text behind their `##`.
#
#   make test PYTHON=python3.13 VENV=.venv-3.13    another Python
#   make test ARGS="tests/unit -k allocate"        arguments for pytest (-n0: in one process)
#   make demo ARGS="--port 8001"                   arguments for the demo

PYTHON ?= python3
VENV ?= .venv
ARGS ?=

BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py

# The stamp's name tells which requirements and which Python the environment was
# made for: with other ones there is no such stamp, and it is made again. Times
# would not do, as git gives every file of a checkout the time of the checkout.
STAMP := $(VENV)/.made-for-$(shell $(PYTHON) -c 'import hashlib, sys; \
	made_for = (sys.version + sys.base_prefix).encode() + open("requirements.txt", "rb").read(); \
	print(hashlib.sha256(made_for).hexdigest()[:16])')

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## List the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 24

.PHONY: demo
demo: $(STAMP) ## Load a sample, allocate it, and serve the site on this machine
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) demo $(ARGS)

.PHONY: test
test: $(STAMP) ## Run the tests, on SQLite and on a PostgreSQL of their own
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal $(ARGS)

.PHONY: coverage
coverage: $(STAMP) ## Run the tests and show which branches they leave out
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

.PHONY: check
check: format-check lint types imports migrations deploy-check docs ## Check everything but the tests

.PHONY: format
format: $(STAMP) ## Format the code, and mend what the linter can mend
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

.PHONY: format-check
format-check: $(STAMP) ## Check the format
	$(BIN)/ruff format --diff .

.PHONY: lint
lint: $(STAMP) ## Check the style
	$(BIN)/ruff check .

.PHONY: types
types: $(STAMP) ## Check the types
	$(BIN)/mypy

.PHONY: imports
imports: $(STAMP) ## Check who imports whom
	$(BIN)/lint-imports

.PHONY: migrations
migrations: $(STAMP) ## Check that no migration is missing
	DATABASE_URL=sqlite:// $(MANAGE) makemigrations --check --dry-run

.PHONY: deploy-check
deploy-check: $(STAMP) ## Check the settings as in production
	env -u DEBUG -u HTTPS ALLOWED_HOSTS=example.org \
		SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))')" \
		$(MANAGE) check --deploy --fail-level WARNING

.PHONY: docs
docs: $(STAMP) ## Build the guide into docs/_build/, where any warning is an error
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs docs/_build

.PHONY: benchmark
benchmark: $(STAMP) ## Measure beside Django, SQLAlchemy and PostgreSQL; ARGS=--quick for fewer rounds
	$(BIN)/python -m pip install --quiet --require-hashes --requirement benchmarks/requirements.txt
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: build
build: $(STAMP) ## Build the wheel and the source distribution into dist/
	rm -rf dist
	$(BIN)/python -m build --no-isolation

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" pyproject.toml

.PHONY: lock
lock: $(STAMP) ## Renew the locks: the newest releases that pyproject.toml admits
	$(LOCK) --upgrade --group dev --extra postgresql --output-file requirements.txt
	$(LOCK) --upgrade --group project --constraint requirements.txt \
		--output-file requirements-server.txt
	$(LOCK) --upgrade --group benchmarks --constraint requirements.txt \
		--output-file benchmarks/requirements.txt

.PHONY: clean
clean: ## Remove what was made here: environment, caches, build, demo database
	rm -rf $(VENV) .venv-newest dist docs/_build staticfiles .coverage .coverage.* \
		.mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	rm -f db.sqlite3 db.sqlite3-shm db.sqlite3-wal
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

$(STAMP): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.13, for example.")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.txt
	@touch $@
