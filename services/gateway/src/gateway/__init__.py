"""The HTTP contract: everything that a frontend, a script or a browser talks to."""
