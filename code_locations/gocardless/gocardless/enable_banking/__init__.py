"""All that is only Enable Banking's; what it sends is translated to the entries that all share."""
