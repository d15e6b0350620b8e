"""Computes total cost and the retirement plan of stored years by other rates."""
