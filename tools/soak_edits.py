#!/usr/bin/env python3
"""Lets real programs edit the files of a project while its engine reads, saves, heals and archives.

usage: soak_edits.py [--edits N] [--seed N] [--saves PERCENT]      (with a Python that has the package)

Each edit carries a token of its own. When the program has ended, the token must be in the chunk's file, in its backup
or in quarantine. With --saves the engine also saves the chunk once during so many of the edits.
Prints the count for each program, and of those that failed with an exit status; exit status 1 when an edit is in none of them, or a file that is not the engine's was touched.
"""

import argparse
import collections
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from safe_chunk_engine import SafeChunkEngine

CHUNKS = ["e0", "e1", "e2", "e3"]
# $F is the chunk's file, $N a file beside it that has the new text, $T the token. vim does not write a file that changed since
# it was read, and ends without a word and with exit status 0; so it has to write a second file after that.
EDITORS = {
    "cat >": 'cat "$N" > "$F"',
    "cat > (slow)": '(sleep 0.005; cat "$N") > "$F"',
    "head, tail >>": 'head -c 9 "$N" > "$F"; sleep 0.003; tail -c +10 "$N" >> "$F"',
    "truncate, cat >": 'truncate -s 0 "$F"; sleep 0.003; cat "$N" > "$F"',
    "cp": 'cp "$N" "$F"',
    "mv": 'cp "$N" "$F.new" && mv "$F.new" "$F"',
    "sed -i": 'test -s "$F" && sed -i "1s/.*/{\\"sed\\": \\"$T\\",/;1!{\\$!d}" "$F" || cp "$N" "$F"',
    "jq > tmp && mv": 'jq --arg t "$T" \'{jq: $t}\' "$N" > "$F.tmp" && mv "$F.tmp" "$F"',
    "rsync": 'rsync -I --whole-file "$N" "$F"',
    "rsync --inplace": 'rsync -I --inplace --whole-file "$N" "$F"',
    "unzip": 'cd "$(dirname "$N")" && cp "$N" "$C.json" && zip -q "$C.zip" "$C.json" && unzip -qo "$C.zip" -d "$(dirname "$F")" && rm "$C.zip" "$C.json"',
    "vim": 'vim -es -u NONE -c "silent! %d _" -c "0r $N" -c "w!" -c "if &modified | cquit | endif" -c "w! $N.done" -c "q" "$F" < /dev/null; rm "$N.done"',
    "vim (in place)": 'vim -es -u NONE -c "set backupcopy=yes" -c "silent! %d _" -c "0r $N" -c "w!" -c "if &modified | cquit | endif" -c "w! $N.done" -c "q" "$F" < /dev/null; rm "$N.done"',
}


def by_python(path, token):
    with open(path, "w", encoding="utf-8") as file:
        file.write('{"python": ')
        file.flush()
        time.sleep(0.002)
        file.write(f'"{token}"}}\n')


class Soak:
    def __init__(self, folder, seed, saves):
        self.random = random.Random(seed)
        self.folder, self.saves = folder, saves
        self.engine = SafeChunkEngine("app", base_dir=folder, debounce_delay=0.05)
        self.engine.on_fault = lambda fault: None
        self.project = folder / "app"
        self.stop = threading.Event()
        self.counts = collections.Counter()
        self.lost = []
        for chunk in CHUNKS:
            for version in (1, 2):
                self.engine.stage_update({"version": version}, chunk)
                self.engine.force_sync()
        self.foreign = {self.project / place: place for place in
                        ("chunks/my thoughts.tmp", "chunks/e0.json.tmp~", "chunks_bak/theirs.lcca.bak",
                         "checkpoints/photos.zip.tmp")}
        for path, text in self.foreign.items():
            path.write_text(text)

    def disturb(self):
        """What an application does meanwhile."""
        count = 0
        while not self.stop.is_set():
            count += 1
            for chunk in CHUNKS:
                self.engine.fetch_chunk(chunk)
            self.engine.stage_update({"count": count}, "own")
            if count % 40 == 0:
                self.engine.create_checkpoint("soak", retention=2)
            if count % 15 == 0:
                self.engine.repair()

    def kept_in(self, chunk, token):
        token = token.encode()
        for path in (self.project / f"chunks/{chunk}.json", self.project / f"chunks_bak/{chunk}.bak",
                     *(self.project / "quarantine").glob("*")):
            try:
                if token in path.read_bytes():
                    return path.parent.name
            except FileNotFoundError:
                continue
        return None

    def edit(self, number, programs):
        chunk = self.random.choice(CHUNKS)
        program = self.random.choice(programs)
        token = f"edit-{number:06d}-{self.random.getrandbits(48):012x}"
        new = self.folder / "new.json"
        new.write_text('{\n    "token": "%s"\n}\n' % token)
        saver = None
        if self.random.random() < self.saves:
            delay = self.random.random() * 0.01
            def save():
                time.sleep(delay)
                self.engine.stage_update({"engine": number}, chunk)
                self.engine.force_sync()
            saver = threading.Thread(target=save)
            saver.start()
        path = self.project / f"chunks/{chunk}.json"
        completed = True
        if program == "Python open(w)":
            by_python(path, token)
        else:
            done = subprocess.run(["sh", "-c", EDITORS[program]], capture_output=True, text=True, check=False,
                                  env={"PATH": "/usr/bin:/bin", "F": str(path), "N": str(new), "T": token, "C": chunk})
            completed = done.returncode == 0
        if saver is not None:
            saver.join()
        if not completed:  # as its user sees: vim, when the file was replaced while it was being written
            self.counts[f"{program} failed, and said so"] += 1
            return
        # A version that was replaced at the last moment is on its way to quarantine for some milliseconds.
        deadline = time.monotonic() + 2
        while (place := self.kept_in(chunk, token)) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        self.counts[program] += 1
        self.counts[f"kept in {place}"] += 1
        if place is None:
            self.lost.append((number, program, chunk, token, "with a save" if saver else "beside reads"))

    def run(self, edits):
        programs = ["Python open(w)", *(name for name in EDITORS if shutil.which(name.split()[0]))]
        thread = threading.Thread(target=self.disturb)
        thread.start()
        try:
            for number in range(edits):
                self.edit(number, programs)
        finally:
            self.stop.set()
            thread.join()
        self.engine.detach()
        touched = [str(path) for path, text in self.foreign.items() if not path.exists() or path.read_text() != text]
        return touched


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--saves", type=float, default=0, metavar="PERCENT")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    with tempfile.TemporaryDirectory(prefix="safechunk-soak-") as folder:
        soak = Soak(pathlib.Path(folder), arguments.seed, arguments.saves / 100)
        touched = soak.run(arguments.edits)
    for name, count in sorted(soak.counts.items()):
        print(f"{count:7d}  {name}")
    for lost in soak.lost:
        print("LOST", *lost)
    for path in touched:
        print("TOUCHED", path)
    print(f"{arguments.edits} edits by real programs, {len(soak.lost)} lost, {len(touched)} foreign files touched")
    sys.exit(1 if soak.lost or touched else 0)


main()
