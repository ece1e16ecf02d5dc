# Waybill: raw JSON in, tested tables and a trained model out. `make` lists the targets.
PYTHON ?= python3
SETUP := "$(PYTHON)" setup/environment.py $(if $(filter file,$(origin PYTHON)),,--with-this-python)
RUN := .venv/bin/python
ON_ANY_SERVER := -q tests/warehouse/test_warehouse.py tests/end_to_end/test_demo.py
.DEFAULT_GOAL := help
.PHONY: help setup env setup-dev lock data up down status psql load check-raw dbt check-marts train score export report \
	docs pipeline demo notebook admin admin-stop java broker broker-stop stream test test-server crash chaos lint bench clean reset
unexport PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make .venv with the pinned packages
	@$(SETUP) requirements

env: ## write .env and secrets made for you, where there are none
	@"$(PYTHON)" setup/env_file.py

setup-dev: setup
	@$(SETUP) requirements dev

lock: setup-dev ## write the locks of all packages and jars
	for name in requirements $(basename $(wildcard requirements/*.in)); do (cd $$(dirname $$name) && $(CURDIR)/$(RUN) -m uv pip compile \
		--universal --generate-hashes --no-header --python-version 3.11 $$(basename $$name).in -o $$(basename $$name).txt) || exit 1; done
	cd streaming/local_broker/jgo && rm -f jgo.lock.toml && $(CURDIR)/$(RUN) -m jgo --resolver python lock

data: setup ## build the sample data in data/raw
	@$(RUN) -m data.sample

up: setup ## start the warehouse
	@$(RUN) -m warehouse up

down: setup ## stop the warehouse; the data stays
	@$(RUN) -m warehouse down

status: setup ## say where warehouse and broker are and what is in them
	@$(RUN) -m warehouse status
	@$(RUN) -m streaming.broker status

psql: setup ## open the warehouse, read-only
	@$(RUN) -m warehouse psql

load: data ## land the raw files
	@$(RUN) -m pipeline load

check-raw: setup ## validate the raw tables
	@$(RUN) -m pipeline check-raw

dbt: setup ## build and test the marts
	@$(RUN) -m pipeline dbt

check-marts: setup ## validate the marts
	@$(RUN) -m pipeline check-marts

train: setup ## train the model
	@$(RUN) -m pipeline train

score: setup ## write predictions
	@$(RUN) -m pipeline score

export: setup ## write the cleaned documents to data/processed
	@$(RUN) -m pipeline export

report: setup ## write reports/index.html
	@$(RUN) -m pipeline report

docs: setup ## write dbt's documentation to reports/dbt_docs.html
	@$(RUN) -m pipeline docs

demo: setup ## show the small sample's way, in a place of its own
	@$(RUN) -m pipeline.showcase.demo

notebook: setup ## open the notebooks in JupyterLab, on this machine alone
	@$(SETUP) requirements notebook
	@$(RUN) -m jupyterlab --config=notebooks/jupyter_config.py notebooks/01-explore-raw.ipynb

pipeline: data ## do all of it, in order
	@$(RUN) -m pipeline run

admin: setup ## open pgAdmin on the warehouse, read-only
	@$(SETUP) admin
	@$(RUN) -m warehouse.pgadmin up

admin-stop: setup ## stop pgAdmin
	@$(RUN) -m warehouse.pgadmin down

java: setup ## bring what the broker needs, a Java where there is none
	@$(SETUP) requirements broker
	@$(RUN) -m streaming.local_broker.java || $(SETUP) requirements java

broker: java ## start a Kafka broker on this machine
	@$(RUN) -m streaming.broker up

broker-stop: setup ## stop the broker; what was sent to it stays
	@$(RUN) -m streaming.broker down

stream: java data ## replay December as messages, live into marts of their own
	@$(RUN) -m pipeline.showcase.stream

test: setup-dev java ## run all tests
	@$(RUN) -m pytest -n 2 --dist loadfile

test-server: setup-dev ## run the tests of the line on PostgreSQL 16 over TCP
	@$(RUN) -m tests.support.external_server creator $(ON_ANY_SERVER) tests/end_to_end/test_pipeline.py tests/loader/landing/test_landing.py tests/expectations
	@$(RUN) -m tests.support.external_server plain $(ON_ANY_SERVER) tests/dbt_project/test_commands.py
	@$(RUN) -m tests.support.external_server superuser -q tests/end_to_end/test_demo.py

lint: setup-dev ## check style and types
	@$(RUN) -m ruff check . && $(RUN) -m ruff format --check . && $(RUN) -m mypy
	@$(RUN) -m sqlfluff lint dbt_project/models dbt_project/tests --processes 2 --disable-progress-bar

crash: setup-dev ## kill loader and server at random, count losses (ROUNDS SEED)
	@$(RUN) -m tests.crash --rounds $(or $(ROUNDS),20) --seed $(or $(SEED),1)

chaos: setup-dev java ## the same with a topic: kill, halt, cut, crowd (ROUNDS SEED)
	@$(RUN) -m tests.crash.chaos --rounds $(or $(ROUNDS),200) --seed $(or $(SEED),1)

bench: data java ## measure landing, marts and stream beside others (BENCH)
	@$(RUN) -m benchmarks.load $(BENCH)
	@$(RUN) -m benchmarks.pipeline $(BENCH)
	@$(RUN) -m benchmarks.stream $(BENCH)

reset: setup ## drop all tables and start empty
	@$(RUN) -m warehouse reset

clean: ## stop all servers, remove all that was made but data/raw
	-@if [ -x $(RUN) ]; then $(RUN) -m warehouse.pgadmin down; $(RUN) -m streaming.broker down; $(RUN) -m warehouse remove --yes; fi
	rm -rf .venv .waybill models reports data/processed dbt_project/target dbt_project/logs logs
