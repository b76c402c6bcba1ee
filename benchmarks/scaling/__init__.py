"""What a cluster of this service needs for a load: arithmetic, and a discrete-event simulation."""
