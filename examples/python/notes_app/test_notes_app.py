"""The program in processes of its own, on no screen: it types, is killed, and is started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PySide6.QtWidgets")

HERE = Path(__file__).resolve().parent
PATIENCE = 60

# Runs steps in the program: `type`, `press` and `look` act on its widgets as a user does.
DRIVER = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from notes_app import NotesWindow
from safe_chunk_engine import SafeChunkEngine

application = QApplication(["notes"])
# Only the journal may save what is typed here, when delay is large.
delay = float(sys.argv[3])
engine = SafeChunkEngine("notes", delay, sys.argv[2], max_delay=delay)
window = NotesWindow(engine)
window.show()

def press(button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)

def type_into(widget, text):
    widget.setFocus()
    QTest.keyClicks(widget, text)

def titles():
    return [window.notes.item(row).text() for row in range(window.notes.count())]

def look():
    return {
        "name": window.name.text(),
        "size": window.size.currentText(),
        "notes": titles(),
        "text": window.editor.toPlainText(),
        "recovery": window.recovery.text() if window.recovery.isVisible() else "",
        "checkpoints": window.checkpoints.count(),
        "state": window.state.text(),
        "status": window.statusBar().currentMessage(),
    }

def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, look()
        QTest.qWait(5)  # runs the event loop

def close():
    QTimer.singleShot(0, window.close)  # once the event loop runs, which it ends

def answer(found):
    print(json.dumps(found), flush=True)

"""


class Program:
    """The program, running `steps` and then its event loop."""

    def __init__(self, base: Path, steps: str, delay: float = 3600.0) -> None:
        code = DRIVER + steps + "\nsys.exit(application.exec())\n"
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONFAULTHANDLER": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, str(HERE), str(base), str(delay)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def answer(self) -> Any:
        """What the steps have answered."""
        assert self._process.stdout and self._process.stderr
        line = self._process.stdout.readline()
        assert line, self._process.stderr.read()
        return json.loads(line)

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed."""
        self._process.kill()
        self._process.communicate(timeout=PATIENCE)
        assert self._process.returncode == -signal.SIGKILL

    def wait(self) -> None:
        """Until it has ended by itself, in order."""
        _, printed = self._process.communicate(timeout=PATIENCE)
        assert self._process.returncode == 0, printed

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate(timeout=PATIENCE)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Any]:
    """Starts the program on the same folder each time."""
    programs: list[Program] = []

    def start(steps: str, delay: float = 3600.0) -> Program:
        programs.append(Program(tmp_path, steps, delay))
        return programs[-1]

    yield start
    for program in programs:
        program.end()


def test_types_is_killed_and_goes_on_where_it_was(run: Any, tmp_path: Path) -> None:
    typing = run("""
type_into(window.name, "Alice")
press(window.add)
type_into(window.editor, "Buy milk")
press(window.add)
type_into(window.editor, "Call Bob, he said: later")
window.size.setCurrentText("large")
answer(look())
""")
    before = typing.answer()
    assert before["text"] == "Call Bob, he said: later"
    assert before["state"] == "editing" and before["recovery"] == ""
    typing.kill()
    assert os.listdir(tmp_path / "notes" / "chunks") == []  # only the journal had it

    again = run("""
answer(look())
close()
""")
    after = again.answer()
    assert after["name"] == "Alice"
    assert after["size"] == "large"
    assert after["notes"] == ["Buy milk", "Call Bob, he said: later"]
    assert "Nothing is lost" in after["recovery"]
    assert "profile" in after["recovery"] and "note_2" in after["recovery"]
    again.wait()
    files = sorted(os.listdir(tmp_path / "notes" / "chunks"))
    assert files == ["note_1.json", "note_2.json", "profile.json", "settings.json"]
    assert not (tmp_path / "notes" / ".lock").exists()

    third = run("answer(look()); close()")
    assert third.answer()["recovery"] == ""  # it had ended in order
    third.wait()


def test_saves_by_itself_and_tells_through_signals(run: Any, tmp_path: Path) -> None:
    program = run(
        """
told = []
window.bridge.dirty.connect(told.append)
press(window.add)
type_into(window.editor, "x")
wait_until(lambda: told[-1:] == [False] and window.state.text() == "saved")
assert told[0] is True
answer(look())
close()
""",
        delay=0.05,
    )
    seen = program.answer()
    program.wait()
    assert seen["status"].startswith("saved 1 chunk")
    saved = json.loads((tmp_path / "notes" / "chunks" / "note_1.json").read_text())
    assert saved == {"text": "x"}


def test_makes_and_restores_checkpoints_and_shows_problems(run: Any) -> None:
    program = run("""
press(window.add)
type_into(window.editor, "first")
press(window.make_checkpoint)
type_into(window.editor, " and more")
press(window.add)
assert window.notes.count() == 2
window.checkpoints.setCurrentRow(0)
press(window.restore)
answer(look())
# The state of before is a checkpoint, too.
undo = [row for row in range(window.checkpoints.count())
        if "before_restore" in window.checkpoints.item(row).text()]
window.checkpoints.setCurrentRow(undo[0])
press(window.restore)
answer(look())
press(window.remove)
answer(look())
engine.detach()
type_into(window.name, "A")
answer(look())
close()
""")
    restored = program.answer()
    assert restored["notes"] == ["first"] and restored["text"] == "first"
    assert restored["checkpoints"] == 2
    undone = program.answer()
    assert undone["notes"] == ["first and more", "(empty)"]
    assert len(program.answer()["notes"]) == 1
    assert program.answer()["status"].startswith("Problem: not_owner")
    program.wait()


def test_says_who_has_the_notes(run: Any, tmp_path: Path) -> None:
    first = run("answer(look())")
    first.answer()
    second = run("""
from PySide6.QtWidgets import QMessageBox
import notes_app
shown = []
QMessageBox.warning = lambda parent, title, text: shown.append(text)
notes_app.QApplication = lambda arguments: application
code = notes_app.main(["--base-dir", sys.argv[2]])
answer([code, *shown])
sys.exit(0)
""")
    code, text = second.answer()
    assert code == 3 and "open in another program (process " in text
    second.wait()
    first.kill()
