"""Patches: a merge patch, and a strategic one, which merges some lists by a key of their items."""

import copy
from typing import Any

MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
    "imagePullSecrets": "name",
}
"""For the lists of a pod's template; all other lists are replaced."""


def merged(before: Any, patch: Any, *, is_strategic: bool, name: str = "") -> Any:
    """Return a value after a patch of it; `name` is its own, and says by which key a list is merged."""
    if isinstance(patch, dict) and isinstance(before, dict):
        after = copy.deepcopy(before)
        for key, value in patch.items():
            if value is None:
                after.pop(key, None)
            else:
                after[key] = merged(after.get(key), value, is_strategic=is_strategic, name=key)
        return after
    key = MERGE_KEYS.get(name, "") if is_strategic else ""
    if not key or not isinstance(patch, list) or not isinstance(before, list):
        return copy.deepcopy(patch)
    items = {item[key]: item for item in before}
    for item in patch:
        items[item[key]] = merged(items.get(item[key]), item, is_strategic=is_strategic)
    return list(items.values())
