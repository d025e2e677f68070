# `make demo` runs the main job, `make test` the tests, `make docs` builds the site; each makes the environment first.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt torch torchvision
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

.PHONY: install demo test explore lint types layers docs check clean
install: $(VENV)/installed

demo: install
	rm -rf runs/demo
	$(BIN)/tdgnas search --problem demo --map processes --set map.workers=2 --out runs/demo

test: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist worksteal

# The same tests on other random examples than the fixed ones of `make test`.
explore: install
	HYPOTHESIS_PROFILE=explore OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist worksteal

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

layers: install
	$(BIN)/lint-imports

docs: install
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[docs]"
	$(BIN)/mkdocs build --strict

check: test lint types layers

clean:
	rm -rf $(VENV) build dist site *.egg-info .mypy_cache .ruff_cache .hypothesis
