"""The health report under the names of the original engine's later versions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def with_other_names(report: dict[str, Any], project_id: str, path: Path) -> dict[str, Any]:
    """`report` and the keys of the original's versions 1.3.5 and 3.0. Files are counted by name."""
    checkpoints = _count(path / "checkpoints", ".zip")
    pending = report["pending_chunks"]
    active = report["engine_active"]
    return {
        **report,
        "active": active,
        "project": project_id,
        "root_path": str(path),
        "shards_count": report["shards"],
        "backups_count": _count(path / "chunks_bak", ".bak"),
        "checkpoints_count": checkpoints,
        "pending_syncs": pending,
        "dirty_chunks": pending,
        "chunk_count": report["shards"],
        "checkpoint_count": checkpoints,
        # Edits that are in the journal and not yet in the files.
        "wal_exists": pending > 0 if active else (path / ".journal").exists(),
    }


def _count(folder: Path, ending: str) -> int:
    try:
        return sum(name.endswith(ending) for name in os.listdir(folder))
    except OSError:
        return 0
