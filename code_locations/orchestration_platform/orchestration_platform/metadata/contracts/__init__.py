"""Data contracts: what published models promise, and who reads what a change would break.

``odcs`` writes the contract of a model, ``changes`` compares two, ``consumers`` follows column
lineage, and ``check`` combines them.
"""
