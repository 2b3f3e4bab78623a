"""What the services say to each other: events, internal HTTP bodies and error bodies. No I/O."""
