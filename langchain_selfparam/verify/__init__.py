"""Whether candidate weights may be served, and which turns they hold: decided by what they answer."""
