# One image for the pipeline, the consumer, the producer and the reports, and one with JupyterLab beside them.
# `docker compose build` makes both; any base with Python 3.11 to 3.13 on Debian will do: --build-arg BASE=…
ARG BASE=python:3.13.16-slim-bookworm

# --- the pinned packages, each held against its hash: made by the same set-up as .venv everywhere else
FROM ${BASE} AS packages
WORKDIR /waybill
COPY setup/environment.py setup/
COPY requirements.txt ./
RUN python3 setup/environment.py requirements

FROM packages AS notebook-packages
COPY requirements/notebook.txt requirements/
RUN python3 setup/environment.py requirements notebook

# --- without what a run has no use for: the installer, the packages' own tests, the older PostgreSQL
FROM packages AS slim-packages
COPY setup/slim.sh setup/
RUN sh setup/slim.sh .venv

FROM notebook-packages AS slim-notebook-packages
COPY setup/slim.sh setup/
RUN sh setup/slim.sh .venv

# --- what runs: root owns the code and nobody writes to it; what runs make is in the volumes below /work
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
HEALTHCHECK --interval=60s --timeout=20s --start-period=30s CMD ["python", "-m", "warehouse", "status"]
CMD ["python", "-m", "pipeline", "run"]

FROM runtime AS notebook
COPY --from=slim-notebook-packages /waybill/.venv .venv
COPY --chown=10001:10001 notebooks notebooks

FROM runtime AS waybill
COPY --from=slim-packages /waybill/.venv .venv
