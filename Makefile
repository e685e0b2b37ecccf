# Everything happens in a local virtual environment: .venv
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-long check format docs clean

# Compiles a face detector three ways, runs each and compares with stored results.
demo: $(VENV)/core
	$(BIN)/vinoc examples/models/blazeface/blazeface.onnx -o out/
	$(BIN)/vinoc examples/models/blazeface/blazeface.onnx --passes fuse,fp16 --model_name blazeface_fp16 -o out/
	$(BIN)/vinoc examples/models/blazeface/blazeface.onnx -t numpy -o out/
	$(BIN)/python examples/demo.py

test: $(VENV)/dev
	$(BIN)/python -m pytest -n 2

test-long: $(VENV)/dev
	$(BIN)/python -m pytest -n 2 -m "long or not long"

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2

format: $(VENV)/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The generated tables of docs/.
docs: $(VENV)/dev
	$(BIN)/python docs/generate.py

$(VENV)/core: pyproject.toml
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -e .
	$(BIN)/python -m compileall -q vinoc
	touch $@

$(VENV)/dev: pyproject.toml
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	$(BIN)/python -m compileall -q vinoc
	touch $@

clean:
	rm -rf $(VENV) out .mypy_cache .ruff_cache .pytest_cache
