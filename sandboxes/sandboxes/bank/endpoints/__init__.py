"""What the API answers: tokens, agreements, requisitions and accounts."""
