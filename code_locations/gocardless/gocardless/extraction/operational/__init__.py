"""What runs must know of one another: the budget of calls, and answers not yet in the tables."""
