"""python -m benchmarks.ray.server LAYOUT PORT: the service on a cluster of this machine alone."""

import argparse
import os
import signal
import tempfile
from pathlib import Path

STORE_BYTES = 512 * 1024 * 1024


def main() -> None:
    """Serve the shipped models until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("layout", choices=("combined", "split"))
    parser.add_argument("port", type=int)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        (Path(folder) / "ray").mkdir()
        os.environ["RAY_TMPDIR"] = folder
        _serve(options.layout, options.port)


def _serve(layout: str, port: int) -> None:
    import ray
    from ray import serve

    from service.ray.application import build

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    ray.init(
        "local",
        num_cpus=32,  # counted, not pinned
        object_store_memory=STORE_BYTES,
        include_dashboard=False,
        log_to_driver=False,
    )
    serve.start(proxy_location="HeadOnly", http_options={"host": "127.0.0.1", "port": port})
    serve.run(build({"layout": layout, "device": "cpu", "threads": 1, "load_seconds": 0}))
    signal.sigwait({signal.SIGTERM})
    ray.shutdown()


if __name__ == "__main__":
    main()
