"""The command that moves the bank's tables into the lake and back, and keeps the lake small."""
