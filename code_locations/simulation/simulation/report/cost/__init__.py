"""What a scenario's people cost, in the report, the workbook and comparisons."""
