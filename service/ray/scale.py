"""How many replicas a deployment has, while Ray adds and removes some.

Ray's own `world_size` is what the configuration says: under an autoscaler, 1 for ever.
"""

import asyncio
import logging

SECONDS = 10.0
"""Time between two counts."""
NAMESPACE = "serve"
"""Of the actors of Ray Serve."""

log = logging.getLogger(__name__)


class Scale:
    """Counts the replicas of the deployment of this process.

    Attributes:
        replicas: How many there are, those included that start or end; 1 before the first count.
    """

    def __init__(self) -> None:
        self.replicas = 1

    async def follow(self) -> None:
        """Count them now, and again every so many seconds, for ever."""
        while True:
            try:
                self.replicas = max(1, await asyncio.to_thread(_count))
            except Exception:
                log.exception("cannot count the replicas")
            await asyncio.sleep(SECONDS)


def _count() -> int:
    import ray
    from ray import serve

    own = serve.get_replica_context().replica_id.to_full_id_str().rpartition("#")[0]
    actors = ray.util.list_named_actors(all_namespaces=True)
    return sum(
        each["namespace"] == NAMESPACE and each["name"].rpartition("#")[0] == own for each in actors
    )
