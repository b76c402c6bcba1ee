"""The service, and its batches, on clusters of Ray."""
