"""The differences between two JSON values, as a JSON Patch (RFC 6902)."""

from __future__ import annotations

from typing import Any, TypeGuard

from . import _core

Operation = dict[str, Any]

_DEPTH_LIMIT = 1_000_000
_MOST_REMOVALS = 100  # of one list; more of them replace it
_MOST_OPERATIONS = 1000  # more of them cost more than writing the whole anew
# What a JSON Pointer of the engine may have.
_MOST_PARTS = 1024
_MOST_BYTES = 64 * 1024


def differences(before: Any, after: Any) -> list[Operation]:
    """The operations that make `after` of `before`; none when both are written as the same text.

    Both hold what _core.load() returns. Objects are compared member by member; one whose members
    have another order is replaced. Lists of the same length are compared element by element; of a
    longer or shorter one, a single run of elements may be added or removed; otherwise it is
    replaced. More than 1,000 differences replace the whole. Cost: each value is written as text
    once for each level above it that differs.
    """
    operations: list[Operation] = []
    waiting = [(before, after, "")]
    while waiting:
        old, new, path = waiting.pop()
        if same(old, new):
            continue
        parts = _parts(old, new, path, operations)
        if parts is None:
            operations.append(_replacement(path, new))
        else:
            waiting.extend(parts)
        if len(operations) > _MOST_OPERATIONS:
            return [_replacement("", after)]
    if any(_is_too_long(operation["path"]) for operation in operations):
        return [_replacement("", after)]
    return operations


def _parts(
    old: Any, new: Any, path: str, operations: list[Operation]
) -> list[tuple[Any, Any, str]] | None:
    """The pairs of parts that are still to be compared; None: the values have to be, as a whole."""
    if _is_object(old) and _is_object(new):
        return _members(old, new, path, operations)
    if _is_list(old) and _is_list(new):
        return _elements(old, new, path, operations)
    return None


def _is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _members(
    old: dict[str, Any], new: dict[str, Any], path: str, operations: list[Operation]
) -> list[tuple[Any, Any, str]] | None:
    kept = [name for name in old if name in new]
    added = [name for name in new if name not in old]
    if list(new) != kept + added or not (_are_reachable(old) and _are_reachable(new)):
        return None
    for name in old:
        if name not in new:
            operations.append({"op": "remove", "path": _join(path, name)})
    for name in added:
        operations.append({"op": "add", "path": _join(path, name), "value": new[name]})
    return [(old[name], new[name], _join(path, name)) for name in kept]


def _elements(
    old: list[Any], new: list[Any], path: str, operations: list[Operation]
) -> list[tuple[Any, Any, str]] | None:
    if len(old) == len(new):
        return [(a, b, f"{path}/{i}") for i, (a, b) in enumerate(zip(old, new))]
    shorter = min(len(old), len(new))
    start = 0
    while start < shorter and same(old[start], new[start]):
        start += 1
    end = 0
    while end < shorter - start and same(old[-1 - end], new[-1 - end]):
        end += 1
    if start + end < shorter or len(old) - shorter > _MOST_REMOVALS:
        return None
    for _ in range(len(old) - shorter):
        operations.append({"op": "remove", "path": f"{path}/{start}"})
    for i in range(start, start + len(new) - shorter):
        operations.append({"op": "add", "path": f"{path}/{i}", "value": new[i]})
    return []


def _replacement(path: str, value: Any) -> Operation:
    return {"op": "replace", "path": path, "value": value}


def same(old: Any, new: Any) -> bool:
    """Whether both are written as the same text: 1, 1.0 and True are not the same."""
    if type(old) is not type(new):
        return False
    if isinstance(old, (str, int)) or old is None:
        return bool(old == new)
    return _core.dump(old, None, _DEPTH_LIMIT) == _core.dump(new, None, _DEPTH_LIMIT)


def _join(path: str, name: str) -> str:
    return path + "/" + name.replace("~", "~0").replace("/", "~1")


def _are_reachable(names: dict[str, Any]) -> bool:
    """Whether a pointer can name all members: it cannot hold a lone surrogate."""
    try:
        "\n".join(names).encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_too_long(path: str) -> bool:
    return len(path) > _MOST_BYTES // 4 or path.count("/") > _MOST_PARTS
