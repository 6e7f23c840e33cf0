# Everything continuous integration runs. PYTHON may name another interpreter.
PYTHON ?= python

.PHONY: check format lint types test

check: format lint types test

format:
	$(PYTHON) -m ruff format --check .

lint:
	$(PYTHON) -m ruff check .

types:
	rm -rf build/typecheck
	$(PYTHON) -c "import setuptools; setuptools.setup()" -q build_py --build-lib build/typecheck
	$(PYTHON) -m mypy

test:
	$(PYTHON) -m pytest
