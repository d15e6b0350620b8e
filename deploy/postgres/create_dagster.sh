#!/bin/sh
# Runs once, when Postgres is empty: the user and the database of Dagster, without rights beyond it.
set -eu
psql --set ON_ERROR_STOP=1 --set "password=$(cat "${DAGSTER_PASSWORD_FILE:-/run/postgres/dagster_password}")" \
    --username "$POSTGRES_USER" --dbname postgres --quiet <<'SQL'
create role dagster login nosuperuser nocreatedb nocreaterole noreplication password :'password';
create database dagster owner dagster;
revoke all on database dagster from public;
revoke connect on database postgres from public;
SQL
