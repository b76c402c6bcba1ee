"""Jobs: requests that are stored, run later, and keep their results; no HTTP."""
