"""Census files, from CSV, Parquet or a workbook into `raw.census`."""
