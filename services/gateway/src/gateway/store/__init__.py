"""Every SQL statement of the gateway, by topic. Functions take the connection and never commit."""
