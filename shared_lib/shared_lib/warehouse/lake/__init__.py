"""The tables in a DuckLake: a catalog in Postgres, Parquet files, and many writers."""
