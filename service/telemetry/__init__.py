"""What an operator sees of a service that runs: metrics, logs, traces."""
