"""The service against the bare limit and against its peers, on one machine, with one command."""
