"""Ranges: what years come to over many seeds, with the rates drawn as far as they are uncertain."""
