"""What DataHub ingests: proposals of aspects, and the check of each before it is sent."""
