"""Stand-in for Slack's Web API."""
