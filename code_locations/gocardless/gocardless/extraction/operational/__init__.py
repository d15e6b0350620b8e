"""State that runs share: the budget of calls, and answers that are not yet in the tables."""
