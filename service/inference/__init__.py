"""Models and sessions: everything between arrays in and arrays out, with no HTTP in it."""
