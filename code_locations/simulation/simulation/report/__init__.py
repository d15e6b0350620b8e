"""The report: one self-contained HTML file about the results of one scenario."""

from simulation.report.index import LATEST, write_index
from simulation.report.page import write_report
from simulation.report.preview import write_picture, years_table

__all__ = ["LATEST", "write_index", "write_picture", "write_report", "years_table"]
