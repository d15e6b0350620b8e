"""What OpenMetadata accepts: requests of its REST API, and the check of each before it is sent."""
