"""How many replicas a deployment has."""


def replicas() -> int:
    """Return how many replicas the deployment of this process has."""
    from ray import serve

    return max(1, int(serve.get_replica_context().world_size))
