# make run    the main job: 24 contributors of real and synthetic images, valued and checked (out/images)
# make sources REAL=real.csv SOURCES=a.csv,b.jsonl    your own files (out/sources); OPTIONS=--config.check=true
# make test   the tests, nothing else        make lint     ruff check and format, mypy
# make fuzz   some 4,000 malformed inputs, others each time (SEED=1: those again)
# make kills  every study killed 20 times and run again: hours; CASES=images KILLS=3 DISKS=10 for less, and full disks
# make paper  every study behind the pages, then all their tables and figures (hours; OPTIONS=--only=sentiment)
# make figures WORKDIR=out/images            redraw figures and report from results.jsonl
PYTHON ?= python3
BIN = .venv/bin

.PHONY: run sources paper test fuzz kills lint figures
.DELETE_ON_ERROR:

run figures: WORKDIR ?= out/images
sources: WORKDIR ?= out/sources
paper: WORKDIR ?= out/paper

run: .venv/installed
	$(BIN)/python -m experiments.run --config=configs/images.py:small --workdir=$(WORKDIR)

sources: .venv/installed
	$(BIN)/python -m experiments.run --config=configs/sources.py --config.real='$(REAL)' --config.sources='$(SOURCES)' \
		--workdir='$(WORKDIR)' $(OPTIONS)

paper: .venv/installed
	$(BIN)/python -m experiments.paper --scale=small --workdir='$(WORKDIR)' $(OPTIONS)

test: .venv/installed
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

fuzz: SEED ?= $(shell date +%s)
fuzz: .venv/installed
	@echo "make fuzz SEED=$(SEED)"
	$(BIN)/python -m pytest tests/fuzz tests/fuzz/outside.py --hypothesis-profile=fuzz --hypothesis-seed=$(SEED)

kills: .venv/installed
	$(BIN)/python -m tests.kills $(if $(CASES),--cases=$(CASES)) $(if $(KILLS),--kills=$(KILLS)) \
		$(if $(DISKS),--disks=$(DISKS))

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

figures: .venv/installed
	$(BIN)/python -m experiments.report --workdir=$(WORKDIR)

.PHONY: .venv
.venv: .venv/installed

# The stamp comes last, so an interrupted installation is taken up again by the next call.
.venv/installed: requirements.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 11) <= v <= (3, 13) or sys.exit(f"Python 3.11 to 3.13 is needed, PYTHON={sys.executable} is {v[0]}.{v[1]}; try: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on -r requirements.txt
	@touch $@
