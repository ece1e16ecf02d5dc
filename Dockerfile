# Four images: `waybill` for the pipeline, the consumer, the producer and the reports; `notebook` adds JupyterLab, `api`
# the packages of the prediction API, `airflow` Airflow in its own environment. `docker compose build` builds them.
# Any Debian base with Python 3.11 to 3.13 works: --build-arg BASE=…
ARG BASE=python:3.13.16-slim-bookworm

# --- the pinned packages, each checked against its hash, and the command `waybill`: the same set-up as everywhere
FROM ${BASE} AS packages
WORKDIR /waybill
COPY setup/environment.py setup/
COPY requirements.txt ./
RUN python3 setup/environment.py requirements

FROM packages AS notebook-packages
COPY requirements/notebook.txt requirements/
RUN python3 setup/environment.py requirements notebook

FROM packages AS api-packages
COPY requirements/api.txt requirements/
RUN python3 setup/environment.py requirements api

FROM packages AS airflow-packages
COPY requirements/airflow.txt requirements/
RUN python3 setup/environment.py airflow

# --- without what a run does not need: the installer, the packages' own tests, the older PostgreSQL
FROM packages AS slim-packages
COPY setup/slim.sh setup/
RUN sh setup/slim.sh .venv

FROM notebook-packages AS slim-notebook-packages
COPY setup/slim.sh setup/
RUN sh setup/slim.sh .venv

FROM api-packages AS slim-api-packages
COPY setup/slim.sh setup/
RUN sh setup/slim.sh .venv

FROM airflow-packages AS slim-airflow-packages
COPY setup/slim.sh setup/
RUN sh setup/slim.sh .waybill/airflow-venv

# --- what runs: root owns the code and no other user can write to it; runs write to the volumes below /work
FROM ${BASE} AS runtime
RUN groupadd --gid 10001 waybill \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin waybill \
    && for folder in state data models reports; do \
        install --directory --owner=waybill --group=waybill "/work/$folder"; done \
    && rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/pip*
WORKDIR /waybill
COPY . .
RUN python3 -m compileall -q .
ENV PATH=/waybill/.venv/bin:$PATH \
    HOME=/tmp \
    WAYBILL_SECRETS=/run/secrets \
    WAYBILL_STATE=/work/state \
    WAYBILL_RAW=/work/data/raw \
    WAYBILL_PROCESSED=/work/data/processed \
    WAYBILL_MODELS=/work/models \
    WAYBILL_REPORTS=/work/reports \
    DBT_TARGET_PATH=/work/state/dbt \
    DBT_LOG_PATH=/tmp/dbt
USER 10001:10001
HEALTHCHECK --interval=60s --timeout=20s --start-period=30s CMD ["waybill", "status"]
CMD ["waybill", "run"]

FROM runtime AS notebook
COPY --from=slim-notebook-packages /waybill/.venv .venv
COPY --chown=10001:10001 notebooks notebooks

FROM runtime AS api
COPY --from=slim-api-packages /waybill/.venv .venv

FROM runtime AS airflow
COPY --from=slim-packages /waybill/.venv .venv
COPY --from=slim-airflow-packages /waybill/.waybill/airflow-venv .waybill/airflow-venv

FROM runtime AS waybill
COPY --from=slim-packages /waybill/.venv .venv
