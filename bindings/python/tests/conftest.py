"""Fixtures: each test gets a folder of its own, and its engines are detached."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from safe_chunk_engine import SafeChunkEngine

# So long that only force_sync() and detach() commit.
NEVER = 3600.0
PATIENCE = 60  # seconds; when they are over, something hangs


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """The folder in which projects are made."""
    return tmp_path / "projects"


@pytest.fixture
def make_engine(base: Path) -> Iterator[Callable[..., SafeChunkEngine]]:
    """Opens projects in `base` that commit when told to."""
    made: list[SafeChunkEngine] = []

    def make(project_id: str = "project", **options: Any) -> SafeChunkEngine:
        options.setdefault("base_dir", base)
        options.setdefault("debounce_delay", NEVER)
        options.setdefault("max_delay", NEVER)
        made.append(SafeChunkEngine(project_id, **options))
        return made[-1]

    yield make
    for engine in made:
        engine.detach()


@pytest.fixture
def engine(make_engine: Callable[..., SafeChunkEngine]) -> SafeChunkEngine:
    """An engine that commits when told to."""
    return make_engine()


def write_long_ago(path: Path, text: str) -> None:
    """Writes a file that stands still. Text that is not JSON is left alone for two seconds, because
    somebody may still be writing it."""
    path.write_text(text)
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 60))


def run_python(code: str, *arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Runs a program in a new interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**os.environ, "PYTHONFAULTHANDLER": "1"},
    )
    if check:
        assert done.returncode == 0, done.stderr
    return done
