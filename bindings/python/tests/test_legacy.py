"""Projects of the original engine: they open as they are; and while one engine holds a project the
other refuses. The original is played by programs that do to the files what it documents."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import NEVER, PATIENCE, run_python
from safe_chunk_engine import Fault, SafeChunkEngine

# Attaches as the original does: the lock's text is "PID: <n>"; a lock whose process lives refuses,
# everything else is taken. Says what came of it, and holds on until its input ends.
ORIGINAL = """
import os, sys
from pathlib import Path
lock = Path(sys.argv[1]) / ".lock"
attached = True
if lock.exists():
    text = lock.read_text()
    try:
        pid = int(text.split(":")[1].strip())
        try:
            os.kill(pid, 0)
            attached = False
        except ProcessLookupError:
            lock.unlink()
        except PermissionError:
            attached = False
    except Exception:
        # The first version took over a lock that it could not read, later ones refuse it.
        attached = False if READS_UNKNOWN_AS_LIVE else True
if attached:
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(f"PID: {os.getpid()}")
print("attached" if attached else "refused", flush=True)
sys.stdin.read()
if attached:
    lock.unlink()
"""


class Original:
    """The original engine in a process of its own."""

    def __init__(self, project: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", "READS_UNKNOWN_AS_LIVE = False\n" + ORIGINAL, str(project)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        self.answer = self._process.stdout.readline().strip()

    def detach(self) -> None:
        """Ends it in order."""
        if self._process.poll() is None:
            self._process.communicate("", timeout=PATIENCE)

    def kill(self) -> None:
        """Ends it as a crash does."""
        self._process.kill()
        self._process.communicate(timeout=PATIENCE)


@pytest.fixture
def original(base: Path) -> Iterator[Callable[[], Original]]:
    """Starts the original engine on the project."""
    started: list[Original] = []

    def start() -> Original:
        started.append(Original(base / "project"))
        return started[-1]

    yield start
    for each in started:
        each.detach()


def make_legacy_project(base: Path) -> Path:
    """A folder as the original leaves it after a crash."""
    root = base / "project"
    for folder in ("chunks", "chunks_bak", "checkpoints"):
        (root / folder).mkdir(parents=True)
    users = {"name": "Älice", "tags": ["a", "b"], "balance": 1.10}
    (root / "chunks" / "users.json").write_text(json.dumps(users, indent=4))
    (root / "chunks_bak" / "users.bak").write_text(json.dumps({"name": "old"}, indent=4))
    (root / "chunks" / "limits.json").write_text(
        json.dumps({"nan": math.nan, "most": math.inf, "least": -math.inf}, indent=4)
    )
    (root / "chunks" / "torn.json").write_text('{"half": ')
    (root / "chunks_bak" / "torn.bak").write_text(json.dumps({"whole": True}, indent=4))
    (root / "chunks" / "users.tmp").write_text('{"name": "never comm')
    with zipfile.ZipFile(
        root / "checkpoints" / "checkpoint_manual_20240131_235959.zip", "w", zipfile.ZIP_DEFLATED
    ) as archive:
        archive.writestr("chunks/users.json", json.dumps({"name": "archived"}, indent=4))
        archive.writestr("chunks/extra.json", json.dumps([math.nan], indent=4))
        archive.writestr("chunks_bak/users.bak", json.dumps({"name": "older"}, indent=4))
    (root / ".lock").write_text("PID: 999999999")  # no process ever has it
    return root


def test_a_folder_of_the_original_opens_and_keeps_its_data(base: Path) -> None:
    root = make_legacy_project(base)
    before = {path.name: path.read_bytes() for path in (root / "chunks").glob("*.json")}
    with SafeChunkEngine("project", NEVER, base) as engine:
        assert engine.is_active()
        faults: list[Fault] = []
        engine.on_fault = faults.append
        assert engine.list_chunks() == ["limits", "torn", "users"]
        assert engine.fetch_chunk("users") == {
            "name": "Älice", "tags": ["a", "b"], "balance": 1.10,
        }  # fmt: skip
        limits = engine.fetch_chunk("limits")
        assert math.isnan(limits["nan"]) and limits["most"] == -limits["least"] == math.inf
        # Reading changes nothing.
        assert (root / "chunks" / "users.json").read_bytes() == before["users.json"]
        assert (root / "chunks" / "limits.json").read_bytes() == before["limits.json"]
        assert engine.fetch_chunk("torn") == {"whole": True}
        assert any(fault.chunk == "torn" for fault in faults)
        # Nothing proves that it is not somebody else's.
        assert (root / "chunks" / "users.tmp").exists()
        events = engine.get_recovery_report()["events"]
        assert {event["kind"] for event in events} >= {"stale_lock"}


def test_a_project_of_the_original_can_be_written_and_restored(base: Path) -> None:
    root = make_legacy_project(base)
    with SafeChunkEngine("project", NEVER, base) as engine:
        engine.stage_update({"name": "new"}, "users")
        assert engine.force_sync()
        assert json.loads((root / "chunks_bak" / "users.bak").read_text())["name"] == "Älice"
        [old] = engine.list_checkpoints()
        assert (old["label"], old["date"]) == ("manual", "20240131_235959")
        assert old["unix_time"] == 0.0  # its description does not say in which zone that was
        assert engine.verify_checkpoint(old["filename"])
        assert engine.restore_checkpoint(old["filename"])
        assert engine.list_chunks() == ["extra", "users"]
        assert engine.fetch_chunk("users") == {"name": "archived"}
        assert math.isnan(engine.fetch_chunk("extra")[0])
        [undo] = [item for item in engine.list_checkpoints() if item["label"] == "before_restore"]
        assert engine.restore_checkpoint(undo["filename"])
        assert engine.fetch_chunk("users") == {"name": "new"}
        assert math.isnan(engine.fetch_chunk("limits")["nan"])


def test_what_this_engine_leaves_is_what_the_original_reads(base: Path) -> None:
    with SafeChunkEngine("project", NEVER, base) as engine:
        for version in (1, 2):
            engine.stage_update({"v": version, "é": "日本"}, "c")
            engine.force_sync()
        engine.create_checkpoint("x")
    root = base / "project"
    assert json.loads((root / "chunks" / "c.json").read_text("utf-8")) == {"v": 2, "é": "日本"}
    assert json.loads((root / "chunks_bak" / "c.bak").read_text("utf-8"))["v"] == 1
    assert sorted(os.listdir(root)) == ["checkpoints", "chunks", "chunks_bak"]
    [name] = os.listdir(root / "checkpoints")
    with zipfile.ZipFile(root / "checkpoints" / name) as archive:
        assert archive.testzip() is None
        assert {"chunks/c.json", "chunks_bak/c.bak"} <= set(archive.namelist())


def test_while_the_original_holds_a_project_this_engine_refuses(
    base: Path, original: Callable[[], Original]
) -> None:
    (base / "project").mkdir(parents=True)
    holder = original()
    assert holder.answer == "attached"
    lock = base / "project" / ".lock"
    text = lock.read_text()
    engine = SafeChunkEngine("project", NEVER, base)
    assert not engine.is_active()
    assert engine.stage_update({}, "c") is False
    reason = SafeChunkEngine.open("project", base)
    assert reason == (None, "PROJECT_ALREADY_OPEN_IN_ANOTHER_PROCESS")
    owner = engine.owner
    assert owner is not None and f"PID: {owner['pid']}" == text and owner["host"] == ""
    assert lock.read_text() == text
    assert os.listdir(base / "project") == [".lock"]
    holder.detach()
    assert engine.attach() is True
    engine.detach()


def test_when_the_original_has_crashed_this_engine_takes_over(
    base: Path, original: Callable[[], Original]
) -> None:
    (base / "project").mkdir(parents=True)
    holder = original()
    holder.kill()
    assert (base / "project" / ".lock").exists()
    with SafeChunkEngine("project", NEVER, base) as engine:
        assert engine.is_active()


@pytest.mark.parametrize("unknown_is_live", [False, True])
def test_while_this_engine_holds_a_project_the_original_refuses(
    base: Path, unknown_is_live: bool
) -> None:
    """The versions of the original differ in what they do to a lock that they cannot read."""
    with SafeChunkEngine("project", NEVER, base) as engine:
        text = engine.lock_file.read_text()
        code = f"READS_UNKNOWN_AS_LIVE = {unknown_is_live}\n{ORIGINAL}"
        done = subprocess.run(
            [sys.executable, "-c", code, str(base / "project")],
            input="",
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.stdout == "refused\n", done.stderr
        assert engine.lock_file.read_text() == text
        assert engine.stage_update({}, "c") and engine.force_sync()


def test_after_this_engine_has_crashed_the_original_takes_over(
    base: Path, original: Callable[[], Original]
) -> None:
    code = """
import os, signal, sys
from safe_chunk_engine import SafeChunkEngine
engine = SafeChunkEngine("project", 3600, sys.argv[1])
os.kill(os.getpid(), signal.SIGKILL)
"""
    run_python(code, base, check=False)
    assert (base / "project" / ".lock").exists()
    assert original().answer == "attached"
