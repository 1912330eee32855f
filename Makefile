# make run   start the app on http://127.0.0.1:$PORT (5000)
# make test  lint, types, layers and every test
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: run test lint lock clean

run: $(VENV)/.serving
	$(BIN)/python app.py

test: lint
	$(BIN)/python -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

$(VENV)/pyvenv.cfg:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.serving: requirements.txt pyproject.toml $(VENV)/pyvenv.cfg
	$(PIP) -r requirements.txt
	$(PIP) --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.txt pyproject.toml $(VENV)/pyvenv.cfg
	$(PIP) -r requirements-dev.txt
	$(PIP) --no-deps --editable .
	@touch $@ $(VENV)/.serving

# Compile the requirements files from pyproject.toml: `make lock` keeps the pins,
# `make lock UPGRADE=--upgrade` renews them.
lock: $(VENV)/pyvenv.cfg
	$(PIP) uv
	for extra in "" train dev; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-annotate \
			--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
			$(UPGRADE) $${extra:+--extra $$extra} pyproject.toml \
			-o requirements$${extra:+-$$extra}.txt || exit 1; \
	done

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
