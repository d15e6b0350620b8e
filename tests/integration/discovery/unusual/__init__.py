"""Modules that only the files of ``wrong_files.txt`` name."""
