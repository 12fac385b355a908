"""Notes: a small program with windows that keeps every keystroke.

    python notes_app.py [--base-dir FOLDER] [--project NAME]

The profile, the settings and each note are chunks of one project. Every change is staged at once,
which takes microseconds and survives a crash of the program; the engine writes the files a moment
later on its own thread. What the engine tells comes from that thread, too, so it goes through Qt's
signals to the window.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QMainWindow,
    QMessageBox,
    QPlainTextEdit,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)
from safe_chunk_engine import Fault, SafeChunkEngine

SIZES = {"small": 9, "medium": 11, "large": 14}
NOTE = "note_"  # the chunks of notes: note_1, note_2, ...


class Bridge(QObject):
    """The engine's handlers as signals: emitted on any thread, received on the window's."""

    status = Signal(str)
    saved = Signal()
    fault = Signal(str)
    dirty = Signal(bool)

    def connect_to(self, engine: SafeChunkEngine) -> None:
        """From here on the signals tell what `engine` does."""
        engine.on_status = self.status.emit
        engine.on_sync = self.saved.emit
        engine.on_dirty = self.dirty.emit
        engine.on_fault = self._tell_fault

    def _tell_fault(self, fault: Fault) -> None:
        self.fault.emit(str(fault))


class NotesWindow(QMainWindow):
    """The one window. It owns the engine from here on."""

    def __init__(self, engine: SafeChunkEngine) -> None:
        super().__init__()
        self.engine = engine
        self._loading = False
        self._make_widgets()
        self.bridge = Bridge(self)
        self.bridge.status.connect(self._show_status)
        self.bridge.dirty.connect(self._show_dirty)
        self.bridge.fault.connect(self._show_fault)
        self.bridge.connect_to(engine)
        self._load()
        self._show_recovery()

    # --- the form

    def _make_widgets(self) -> None:
        self.setWindowTitle(f"Notes - {self.engine.project_id}")
        self.resize(860, 560)
        self.recovery = QLabel()
        self.recovery.setObjectName("recovery")
        self.recovery.setStyleSheet("background: #fff3c4; color: #463c00; padding: 6px;")
        self.recovery.setWordWrap(True)
        self.recovery.hide()

        self.name = QLineEdit()
        self.name.textEdited.connect(self._save_profile)
        self.size = QComboBox()
        self.size.addItems(list(SIZES))
        self.size.currentTextChanged.connect(self._save_settings)
        form = QFormLayout()
        form.addRow("Your name", self.name)
        form.addRow("Text size", self.size)

        self.notes = QListWidget()
        self.notes.currentItemChanged.connect(self._open_note)
        self.add = QPushButton("New note")
        self.add.clicked.connect(self._add_note)
        self.remove = QPushButton("Delete note")
        self.remove.clicked.connect(self._remove_note)
        self.editor = QPlainTextEdit()
        self.editor.textChanged.connect(self._save_note)

        self.checkpoints = QListWidget()
        self.make_checkpoint = QPushButton("Make checkpoint")
        self.make_checkpoint.clicked.connect(self._make_checkpoint)
        self.restore = QPushButton("Restore selected")
        self.restore.clicked.connect(self._restore)

        left = self._column(form, QLabel("Notes"), self.notes, self._row(self.add, self.remove))
        right = self._column(
            QLabel("Checkpoints"), self.checkpoints, self._row(self.make_checkpoint, self.restore)
        )
        split = QSplitter()
        for part in (left, self.editor, right):
            split.addWidget(part)
        split.setSizes([220, 380, 260])
        self.setCentralWidget(self._column(self.recovery, split))

        self.state = QLabel("saved")
        self.statusBar().addPermanentWidget(self.state)

    @staticmethod
    def _column(*parts: QWidget | QFormLayout | QHBoxLayout) -> QWidget:
        column = QWidget()
        layout = QVBoxLayout(column)
        for part in parts:
            if isinstance(part, QWidget):
                layout.addWidget(part, 1 if isinstance(part, (QSplitter, QListWidget)) else 0)
            else:
                layout.addLayout(part)
        return column

    @staticmethod
    def _row(*buttons: QPushButton) -> QHBoxLayout:
        row = QHBoxLayout()
        for button in buttons:
            row.addWidget(button)
        return row

    # --- from the engine to the form

    def _load(self) -> None:
        self._loading = True
        profile = self.engine.fetch_chunk("profile") or {}
        settings = self.engine.fetch_chunk("settings") or {}
        self.name.setText(profile.get("name", ""))
        self.size.setCurrentText(settings.get("size", "medium"))
        self._apply_size()
        selected = self._chunk_of(self.notes.currentItem())
        self.notes.clear()
        for chunk in self._note_chunks():
            item = QListWidgetItem(self._title_of(self._text_of(chunk)))
            item.setData(Qt.ItemDataRole.UserRole, chunk)
            self.notes.addItem(item)
            if chunk == selected:
                self.notes.setCurrentItem(item)
        if self.notes.currentItem() is None and self.notes.count() > 0:
            self.notes.setCurrentRow(0)
        self._loading = False
        self._open_note(self.notes.currentItem())
        self._list_checkpoints()

    def _note_chunks(self) -> list[str]:
        chunks = [chunk for chunk in self.engine.list_chunks() if chunk.startswith(NOTE)]
        return sorted(chunks, key=lambda chunk: int(chunk.removeprefix(NOTE)))

    def _text_of(self, chunk: str) -> str:
        note = self.engine.fetch_chunk(chunk) or {}  # None: cannot be read, and on_fault has told
        return str(note.get("text", ""))

    @staticmethod
    def _title_of(text: str) -> str:
        return text.strip().split("\n")[0][:30] or "(empty)"

    @staticmethod
    def _chunk_of(item: QListWidgetItem | None) -> str | None:
        return None if item is None else str(item.data(Qt.ItemDataRole.UserRole))

    def _open_note(self, item: QListWidgetItem | None) -> None:
        if self._loading:
            return
        chunk = self._chunk_of(item)
        self._loading = True
        self.editor.setPlainText("" if chunk is None else self._text_of(chunk))
        self.editor.setEnabled(chunk is not None)
        self._loading = False

    def _apply_size(self) -> None:
        font = self.editor.font()
        font.setPointSize(SIZES.get(self.size.currentText(), SIZES["medium"]))
        self.editor.setFont(font)

    # --- from the form to the engine, at every keystroke

    def _save_profile(self, name: str) -> None:
        self.engine.stage_update({"name": name}, "profile")

    def _save_settings(self, size: str) -> None:
        self._apply_size()
        if not self._loading:
            self.engine.stage_update({"size": size}, "settings")

    def _save_note(self) -> None:
        item = self.notes.currentItem()
        chunk = self._chunk_of(item)
        if self._loading or item is None or chunk is None:
            return
        text = self.editor.toPlainText()
        self.engine.stage_update({"text": text}, chunk)
        item.setText(self._title_of(text))

    def _add_note(self) -> None:
        numbers = [int(chunk.removeprefix(NOTE)) for chunk in self._note_chunks()]
        chunk = f"{NOTE}{max(numbers, default=0) + 1}"
        if not self.engine.stage_update({"text": ""}, chunk):
            return  # on_fault has told why
        item = QListWidgetItem(self._title_of(""))
        item.setData(Qt.ItemDataRole.UserRole, chunk)
        self.notes.addItem(item)
        self.notes.setCurrentItem(item)
        self.editor.setFocus()

    def _remove_note(self) -> None:
        chunk = self._chunk_of(self.notes.currentItem())
        if chunk is not None and self.engine.delete_chunk(chunk):
            self._load()

    # --- checkpoints

    def _list_checkpoints(self) -> None:
        self.checkpoints.clear()
        for found in self.engine.list_checkpoints():
            item = QListWidgetItem(f"{found['date']}  {found['label']}")
            item.setData(Qt.ItemDataRole.UserRole, found["filename"])
            self.checkpoints.addItem(item)

    def _make_checkpoint(self) -> None:
        if self.engine.create_checkpoint("manual") is not None:
            self._list_checkpoints()

    def _restore(self) -> None:
        filename = self._chunk_of(self.checkpoints.currentItem())
        if filename is not None and self.engine.restore_checkpoint(filename):
            self._load()  # what was before is a checkpoint now, too

    # --- what the engine tells

    def _show_status(self, text: str) -> None:
        self.statusBar().showMessage(text)

    def _show_dirty(self, dirty: bool) -> None:
        self.state.setText("editing" if dirty else "saved")

    def _show_fault(self, text: str) -> None:
        self.statusBar().showMessage(f"Problem: {text}")

    def _show_recovery(self) -> None:
        replayed = [
            event["chunk"]
            for event in self.engine.get_recovery_report()["events"]
            if event["kind"] == "replayed"
        ]
        if replayed:
            self.recovery.setText(
                "The program did not end in order last time. Nothing is lost: recovered "
                + ", ".join(replayed)
            )
            self.recovery.show()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Saves; asks before it closes over data that could not be saved."""
        if not self.engine.detach():
            question = "Not everything could be saved. It is kept in the journal. Close anyway?"
            if QMessageBox.question(self, "Notes", question) != QMessageBox.StandardButton.Yes:
                self.engine.attach()
                event.ignore()
                return
        event.accept()


def main(arguments: list[str] | None = None) -> int:
    """Opens the project and the window; returns the exit code."""
    parser = argparse.ArgumentParser(description="Notes that are never lost.")
    parser.add_argument("--base-dir", type=Path, default=Path.home() / "notes")
    parser.add_argument("--project", default="notes")
    parsed = parser.parse_args(arguments)
    application = QApplication(sys.argv[:1])
    engine = SafeChunkEngine(parsed.project, base_dir=parsed.base_dir)
    if not engine.is_active():
        owner = engine.owner or {}
        text = f"These notes are open in another program (process {owner.get('pid', '?')})."
        QMessageBox.warning(None, "Notes", text)
        return 3
    window = NotesWindow(engine)
    window.show()
    return application.exec()


if __name__ == "__main__":
    sys.exit(main())
