"""What of a manifest decides, beside the graph, which codings an input has."""

import hashlib
import json

from service.manifest import Manifest


def preprocessing(manifest: Manifest, *, fit: bool) -> dict[str, object]:
    """Return what a run tells its model's preprocessing by, in JSON's types.

    Args:
        manifest: The model's.
        fit: Whether pictures of other sizes are fitted, which the manifest says how to.

    Returns:
        Of images how pixels become numbers, and how pictures are fitted if they are; of rows the
        digest of the columns, whose order arrays have, and whether numbers may be missing, or such
        an item has no coding. What scales errors or cuts series changes no codings.
    """
    if pixels := manifest.pixels:
        return {"mode": pixels.mode, "scale": pixels.scale, "fit": pixels.fit if fit else None}
    assert manifest.rows
    columns = [(column.name, column.categories) for column in manifest.rows.columns]
    digest = hashlib.sha256(json.dumps(columns).encode()).hexdigest()
    return {"columns": digest, "missing": manifest.rows.missing}
