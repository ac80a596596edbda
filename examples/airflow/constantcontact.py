"""Read each account once a day, as many at a time as the pool `constant_contact` has slots."""

from datetime import datetime, timedelta, timezone

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

PROJECT = "/srv/constantcontact"
ACCOUNTS = ("acme", "bolt")

with DAG(
    "constantcontact",
    schedule="15 3 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
):
    for account in ACCOUNTS:
        BashOperator(
            task_id=account,
            bash_command=f"meltano --cwd={PROJECT} run {account}",
            pool="constant_contact",
            retries=3,
            retry_delay=timedelta(minutes=10),
        )
