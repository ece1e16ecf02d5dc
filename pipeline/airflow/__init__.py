"""Airflow on this machine: started and stopped here, in its own environment, with the DAG of `dags/`."""
