"""The pages of a fit and of a backtest: what a history shows beside what is made of it."""
