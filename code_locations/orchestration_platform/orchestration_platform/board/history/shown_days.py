"""How far back the board looks; by itself, so that settings can name it without the board."""

DAYS = 14
