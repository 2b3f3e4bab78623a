"""A service whose migration changes a table that somebody is using."""
