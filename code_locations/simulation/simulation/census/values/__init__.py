"""The values of a census, as text and as read: dates, amounts, bases of pay and statuses."""
