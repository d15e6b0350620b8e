"""The formats of statement files, a module or folder each."""
