# Two commands are all you need: `make demo` and `make test`. Nothing here needs root or a system package.
PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin
PYTEST_WORKERS ?= 2
CHROMIUM ?= $(shell command -v chromium chromium-browser google-chrome google-chrome-stable 2>/dev/null | head -n 1)

.PHONY: help setup demo run test lint format bench translations lock clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    the whole stack with a demonstration organisation"
	@echo "make run     the whole stack, empty"
	@echo "make test    the whole test suite"
	@echo "make setup | lint | format | bench | translations | lock | clean"

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Countersign needs Python 3.11 or later (PYTHON=/path/to/python3)")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.requirements: requirements.txt | $(VENV)/bin/pip
	$(RUN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.requirements-dev: requirements-dev.txt $(VENV)/.requirements | $(VENV)/bin/pip
	$(RUN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

$(VENV)/.requirements-browser: requirements-browser.txt $(VENV)/.requirements-dev | $(VENV)/bin/pip
	$(RUN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-browser.txt
	@touch $@

setup: $(VENV)/.requirements

# exec: Ctrl-C and SIGTERM reach the supervisor itself.
demo: setup
	@exec $(RUN)/python manage.py runstack --demo

run: setup
	@exec $(RUN)/python manage.py runstack

TEST_SETUP = $(VENV)/.requirements-$(if $(CHROMIUM),browser,dev)
PYTEST = CHROMIUM="$(CHROMIUM)" $(RUN)/pytest -n $(PYTEST_WORKERS) --dist loadgroup

# Once on SQLite, then on PostgreSQL what depends on the database.
test: $(TEST_SETUP)
	@test -n "$(CHROMIUM)" || echo "No Chromium found: the browser tests are left out (set CHROMIUM=/path/to/chromium)."
	$(PYTEST) $(if $(CHROMIUM),,-m "not browser")
	$(PYTEST) -m "postgres_too$(if $(CHROMIUM),, and not browser)" --database=postgresql

lint: $(VENV)/.requirements-dev
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy .
	$(RUN)/djlint --quiet --check --lint templates
	ENV_FILE= $(RUN)/python manage.py makemigrations --check --dry-run
	ENV_FILE= HTTPS=on HSTS_SUBDOMAINS=on $(RUN)/python manage.py check --deploy --fail-level WARNING

format: $(VENV)/.requirements-dev
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .
	$(RUN)/djlint --quiet --reformat templates

# Collect the texts, and compile what is translated (needs gettext's tools).
translations: $(VENV)/.requirements-dev
	ENV_FILE= $(RUN)/python manage.py makemessages --locale es --no-location --no-wrap --no-obsolete --ignore $(VENV)
	ENV_FILE= $(RUN)/python manage.py compilemessages --locale es --ignore $(VENV)

bench: $(VENV)/.requirements-dev
	$(RUN)/python -m benchmarks

# Every platform at once, with hashes, so that plain pip can check them.
LOCK = $(RUN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header
lock: $(VENV)/.requirements-dev
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-dev.in -o requirements-dev.txt
	$(LOCK) requirements-browser.in -o requirements-browser.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
