"""Payroll, turnover, levels and growth of pay of each department, in the report."""
