# Waybill: raw JSON in, tested tables and a trained model out. `make` lists the targets.
PYTHON ?= python3
SETUP := "$(PYTHON)" setup/environment.py $(if $(filter file,$(origin PYTHON)),,--with-this-python)
RUN := .venv/bin/python
WAYBILL := .venv/bin/waybill
WITH_SAMPLE := $(RUN) -m waybill.sample_commands
DATA := $(if $(wildcard data/sample/build.py),data)
BROKER := $(if $(DATA),java,setup)
.DEFAULT_GOAL := help
.PHONY: help setup env setup-dev lock data up down status psql load check-raw dbt check-marts train score export report docs \
	pipeline demo notebook admin admin-stop dask api serve lineage airflow airflow-stop java broker broker-stop stream test test-fast \
	test-server lint crash chaos bench own-json own-models mutants long backup drill reset destroy clean
unexport PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONOPTIMIZE PYTHONPATH PYTHONSAFEPATH

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## create .venv with the pinned packages and `waybill`
	@$(SETUP) requirements

env: ## write .env and generated passwords, unless they exist
	@"$(PYTHON)" setup/env_file.py

setup-dev: setup
	@$(SETUP) requirements dev

lock: setup-dev java ## pin the versions and hashes of all packages and jars
	for name in requirements $(basename $(wildcard requirements/*.in)); do (cd $$(dirname $$name) && $(CURDIR)/$(RUN) -m uv pip compile \
		--universal --generate-hashes --no-header --python-version 3.11 $$(basename $$name).in -o $$(basename $$name).txt) || exit 1; done
	cd streaming/local_broker/jgo && rm -f jgo.lock.toml && $(CURDIR)/$(RUN) -m jgo --resolver python lock

data: setup ## build the sample data in data/raw
	@$(WAYBILL) sample

up: setup ## start the warehouse
	@$(WAYBILL) up

down: setup ## stop the warehouse; the data stays
	@$(WAYBILL) down

status: setup ## show where warehouse and broker are, what they hold
	@$(WAYBILL) status
	@$(WAYBILL) broker status

psql: setup ## open the warehouse in psql, read-only
	@$(WAYBILL) psql

load: setup $(DATA) ## land the raw files
	@$(WAYBILL) run load

check-raw: setup ## validate the raw tables
	@$(WAYBILL) run check-raw

dbt: setup ## build and test the marts
	@$(WAYBILL) run dbt

check-marts: setup ## validate the marts
	@$(WAYBILL) run check-marts

train: setup ## train the model
	@$(WAYBILL) run train

score: setup ## write predictions
	@$(WAYBILL) run score

export: setup ## write the cleaned documents to data/processed
	@$(WAYBILL) run export

report: setup ## write reports/index.html
	@$(WAYBILL) run report

docs: setup ## write dbt's documentation to reports/dbt_docs.html
	@$(WAYBILL) run docs

pipeline: setup $(DATA) ## run all stages in order
	@$(WAYBILL) run

demo: setup ## run all stages on the small sample, in its own database
	@$(WAYBILL) demo

notebook: setup ## open the notebooks in JupyterLab, on this machine only
	@$(SETUP) requirements notebook
	@$(RUN) -m jupyterlab --config=notebooks/jupyter_config.py $(firstword $(wildcard notebooks/*.ipynb) notebooks)

admin: setup ## open pgAdmin on the warehouse, read-only
	@$(SETUP) admin
	@$(WAYBILL) pgadmin up

admin-stop: setup ## stop pgAdmin
	@$(WAYBILL) pgadmin down

dask: setup ## install Dask, which trains on several processes or machines
	@$(SETUP) requirements dask

api: setup ## install what the prediction API needs
	@$(SETUP) requirements api

serve: api ## answer HTTP requests with predictions, on this machine only
	@$(WAYBILL) serve

lineage: setup ## install what OpenLineage events need
	@$(SETUP) requirements lineage

airflow: setup ## run the stages on a schedule, with Airflow
	@$(SETUP) airflow
	@$(WAYBILL) airflow up

airflow-stop: setup ## stop Airflow
	@$(WAYBILL) airflow down

java: setup ## install what the broker needs, and Java if there is none
	@$(SETUP) requirements broker
	@$(RUN) -m streaming.local_broker.java || $(SETUP) requirements java

broker: java ## start a Kafka broker on this machine
	@$(WAYBILL) broker up

broker-stop: setup ## stop the broker; its messages stay
	@$(WAYBILL) broker down

stream: $(BROKER) $(DATA) ## replay a month as messages into separate marts
	@$(WAYBILL) stream

test: setup-dev dask api lineage java ## run all tests
	@$(SETUP) airflow
	@$(RUN) -m pytest -n 4 --dist loadfile --no-loadscope-reorder

test-fast: setup-dev ## check style, run the tests that need no server
	@$(RUN) -m ruff check . && $(RUN) -m ruff format --check --quiet .
	@$(RUN) -m pytest -q -n 2 -m "not server and not slow"

test-server: setup-dev ## run the pipeline's tests on PostgreSQL 16 over TCP
	@$(MAKE) --no-print-directory -j 2 --output-sync test-server-creator test-server-plain test-server-superuser

test-server-%:
	@MAKEFLAGS= $(RUN) -m tests.support.external_server $* -q -m $*

lint: setup-dev ## check style and types
	@$(RUN) -m ruff check . && $(RUN) -m ruff format --check . && $(RUN) -m mypy
	@$(RUN) -m sqlfluff lint dbt_project/models dbt_project/tests --processes 2 --disable-progress-bar

crash: setup-dev ## kill loader and server at random (ROUNDS SEED)
	@$(RUN) -m tests.crash --rounds $(or $(ROUNDS),20) --seed $(or $(SEED),1)

chaos: setup-dev java ## interrupt broker, server, consumers (ROUNDS SEED)
	@$(RUN) -m tests.crash.chaos --rounds $(or $(ROUNDS),200) --seed $(or $(SEED),1)

bench: setup-dev $(BROKER) $(DATA) api ## compare with other tools: load, marts, stream, API (BENCH)
	@$(WITH_SAMPLE) benchmarks.load,benchmarks.pipeline,benchmarks.stream,benchmarks.serving $(BENCH)

own-json: setup-dev ## take real record sets from npm to tested marts (ONLY)
	@$(RUN) -m benchmarks.real_sets $(if $(ONLY),--only "$(ONLY)")

own-models: setup-dev ## train models on real record sets, beside scikit-learn (ONLY)
	@$(RUN) -m benchmarks.own_models $(if $(ONLY),--only "$(ONLY)")

mutants: setup-dev java ## break the code in many ways and check that tests fail (ONLY)
	@$(RUN) -m tests.mutants $(if $(ONLY),--only "$(ONLY)")

long: setup-dev crash chaos bench mutants ## kills, chaos, benchmarks, mutations, fuzzing: hours
	@$(RUN) -m tests.crash.backups --rounds 50 $(if $(DATA),&& $(RUN) -m tests.crash.erasing --rounds 50)
	@$(SETUP) airflow && $(RUN) -m tests.dags --rounds 7
	@$(RUN) -m pytest -q -n 2 --dist loadfile -m "long or hypothesis" --hypothesis-profile=many

backup: setup ## back up warehouse, models, declarations (BACKUPS KEEP)
	@$(WAYBILL) backup $(or $(BACKUPS),backups) --keep $(or $(KEEP),7)

drill: backup ## back up, restore on a scratch server, compare (BACKUPS)
	@$(WAYBILL) drill $(or $(BACKUPS),backups)

reset: setup ## drop all tables and start empty; asks first
	@$(WAYBILL) reset

destroy: setup ## delete the embedded server and its data; asks first
	@$(WAYBILL) destroy

clean: ## delete .venv and reports; databases and models stay
	-@if [ -x $(WAYBILL) ]; then $(WAYBILL) airflow down; $(WAYBILL) pgadmin down; $(WAYBILL) broker down; $(WAYBILL) down; fi
	rm -rf .venv .waybill/pgadmin-venv .waybill/airflow-venv reports data/processed dbt_project/target dbt_project/logs logs
