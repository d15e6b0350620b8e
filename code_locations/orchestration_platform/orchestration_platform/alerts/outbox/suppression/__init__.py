"""Why a message is not sent: a mute, or an incident that explains it; and the report afterwards."""
