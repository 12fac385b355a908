"""Processes: fork, spawn, forkserver, signals, the interpreter's end; and asyncio."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from conftest import NEVER, PATIENCE, run_python
from safe_chunk_engine import SafeChunkEngine


def _open_in_child(base: str, queue: Any) -> None:
    with SafeChunkEngine("child", base_dir=base) as engine:
        engine["c"] = os.getpid()
        queue.put(engine.is_active())


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_multiprocessing(engine: SafeChunkEngine, base: Path, method: str) -> None:
    engine.stage_update(1, "c")
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    child = context.Process(target=_open_in_child, args=(str(base), queue))
    child.start()
    assert queue.get(timeout=PATIENCE) is True
    child.join(PATIENCE)
    assert child.exitcode == 0
    # The child has neither saved nor released what belongs to its parent.
    assert engine.is_active() and engine.is_dirty()
    assert engine.lock_file.exists()
    with SafeChunkEngine("child", base_dir=base) as made:
        assert made["c"] == child.pid


def test_a_forked_child_ends_normally_and_leaves_the_parents_engine_alone(base: Path) -> None:
    done = run_python(
        """
import os, sys
from safe_chunk_engine import SafeChunkEngine
engine = SafeChunkEngine("project", 3600, sys.argv[1])
engine.stage_update(1, "c")
pid = os.fork()
if pid == 0:
    assert not engine.is_active()
    assert engine.stage_update(2, "c") is False
    assert engine.fetch_chunk("c") == {}  # what is committed
    sys.exit(0)  # with atexit and all
assert os.waitpid(pid, 0)[1] == 0
assert engine.is_active() and engine.fetch_chunk("c") == 1
print("parent")
""",
        base,
    )
    assert done.stdout == "parent\n"
    with SafeChunkEngine("project", NEVER, base) as engine:
        assert engine["c"] == 1


@pytest.mark.parametrize(
    "ending",
    [
        "",
        "sys.exit(3)",
        "raise RuntimeError",
        "threading.Thread(target=engine.force_sync).start()",
        "threading.Thread(target=loop, daemon=True).start()",
        "engine.on_status = engine.on_sync = print",
        "import builtins; builtins.keep = engine; keep.on_fault = keep.stage_update",
        "import gc; cycle = [engine]; cycle.append(cycle); del engine",
        "atexit.register(lambda: engine.attach())",
    ],
)
def test_the_interpreter_ends_cleanly_without_detach(base: Path, ending: str) -> None:
    done = run_python(
        f"""
import atexit, sys, threading
from safe_chunk_engine import SafeChunkEngine
engine = SafeChunkEngine("project", 3600, sys.argv[1])
engine.stage_update({{"saved": True}}, "c")
def loop():
    while True:
        engine.stage_update({{"saved": True}}, "c")
        engine.fetch_chunk("c")
{ending}
""",
        base,
        check=False,
    )
    expected = {"sys.exit(3)": 3, "raise RuntimeError": 1}.get(ending, 0)
    assert done.returncode == expected, done.stderr
    assert "Fatal" not in done.stderr
    assert (base / "project" / "chunks" / "c.json").read_text() == '{\n    "saved": true\n}\n'
    if "daemon" not in ending and "attach" not in ending:
        assert not (base / "project" / ".lock").exists()


# Kills: waiting for a handler that will not get the GIL any more.
def test_the_interpreter_ends_beside_a_handler_that_has_detached(base: Path) -> None:
    done = run_python(
        f"""
import sys, threading, time, weakref
from safe_chunk_engine import SafeChunkEngine
engine = SafeChunkEngine("project", 0.01, sys.argv[1])
detached = threading.Event()
# Not in the names of this module, which would keep it alive.
names = {{"engine": weakref.ref(engine), "detached": detached, "sleep": time.sleep}}
handler = "lambda: (engine().detach(), detached.set(), sleep({PATIENCE} * 2))"
engine.on_sync = eval(handler, names)
engine.stage_update(1, "c")
assert detached.wait({PATIENCE})
""",
        base,
    )
    assert done.returncode == 0
    assert not (base / "project" / ".lock").exists()


def test_sigkill_loses_nothing_that_was_staged(base: Path) -> None:
    code = """
import os, signal, sys
from safe_chunk_engine import SafeChunkEngine
engine = SafeChunkEngine("project", 3600, sys.argv[1])
for number in range(100):
    assert engine.stage_update({"n": number}, f"c{number % 7}")
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert run_python(code, base, check=False).returncode == -signal.SIGKILL
    with SafeChunkEngine("project", NEVER, base) as engine:
        assert sorted(engine[name]["n"] for name in engine) == list(range(93, 100))
        kinds = [event["kind"] for event in engine.get_recovery_report()["events"]]
        assert "stale_lock" in kinds and kinds.count("replayed") == 7
        assert any("replayed" in line for line in engine.log_history)


@pytest.mark.parametrize(
    "interrupted", ["engine.create_checkpoint(progress=interrupt)", "engine.force_sync()"]
)
def test_keyboard_interrupt_in_a_handler_is_not_lost(base: Path, interrupted: str) -> None:
    done = run_python(
        f"""
import os, signal, sys, time
from safe_chunk_engine import SafeChunkEngine
engine = SafeChunkEngine("project", 3600, sys.argv[1])
engine.stage_update(1, "c")
def interrupt(*_):
    engine.on_sync = None
    os.kill(os.getpid(), signal.SIGINT)
engine.on_sync = interrupt
try:
    {interrupted}
    time.sleep({PATIENCE})  # ended by the signal
except KeyboardInterrupt:
    print("interrupted")
assert engine.force_sync() and engine.detach()
""",
        base,
    )
    assert done.stdout == "interrupted\n"


# --- asyncio


def test_asyncio_does_not_block_the_loop(base: Path) -> None:
    async def main() -> None:
        async with SafeChunkEngine("project", NEVER, base) as engine:
            data = {"n": 1}
            staging = engine.stage_update_async(data, "c")
            data["n"] = 2  # the copy was taken at the call
            assert await staging is True
            assert await engine.fetch_chunk_async("c") == {"n": 1}
            loop = asyncio.get_running_loop()
            loop_ran = threading.Event()

            def progress(done: int, total: int) -> None:
                loop.call_soon_threadsafe(loop_ran.set)
                assert loop_ran.wait(PATIENCE)  # by the loop, which is free

            name = await engine.create_checkpoint_async("a", progress=progress)
            assert name is not None
            results = await asyncio.gather(*(engine.force_sync_async() for _ in range(8)))
            assert all(results)
            assert await engine.restore_checkpoint_async(name)
        assert not engine.is_active()
        with pytest.raises(TypeError):
            engine.stage_update_async({1}, "c")

    asyncio.run(main())
