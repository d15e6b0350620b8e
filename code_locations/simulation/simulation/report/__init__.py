"""The report: one self-contained HTML file about the results of one scenario."""

from simulation.report.page import write_report

__all__ = ["write_report"]
