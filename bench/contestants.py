"""Who takes part: for each contestant the program, its method, and what it does for one update."""

import os
import pathlib
import shutil

HERE = pathlib.Path(__file__).resolve().parent

# name: (program, method, what one acknowledged update is)
CONTESTANTS = {
    "floor log": ("floor", "log", "append to a log, fdatasync; nothing else"),
    "floor file": ("floor", "file", "temp, fsync, link as backup, rename, fsync of two folders"),
    "floor files": ("floor", "files", "all temps, wait for the device, fsync each, links, renames"),
    "floor files, 8 threads": ("floor", "files8", "the same, fsync by 8 threads, no backups"),
    "floor simdjson": ("floor", "simdjson", "validate, copy, write to the page cache"),
    "floor dump": ("floor", "nlohmann", "nlohmann dump of the value"),
    "floor read": ("floor", "xxh3", "open, read, XXH3"),
    "floor parse": ("floor", "nlohmann", "nlohmann parse of the same text, in memory"),
    "floor list": ("floor", "list", "list both folders twice"),
    "floor copy": ("floor", "plain", "copy all into one file, uncompressed, fsync"),
    "engine file": ("engine", "file", "durable in its own file; backup, verified, folders synced"),
    "engine journal": ("engine", "journal", "durable in the journal; the files follow"),
    "engine text": ("engine", "text", "JSON text"),
    "engine nlohmann": ("engine", "nlohmann", "nlohmann value"),
    "engine": ("engine", "file", "as an application sees it"),
    "engine, 10 chunks": ("engine", "few", "in a project of ten chunks"),
    "engine, many chunks": ("engine", "file", "in the large project"),
    "engine shared": ("engine", "shared", "the same, in turn with other processes"),
    "engine shared, alone": ("engine", "alone", "the same, one process"),
    "engine Python": ("package", "engine", "a dictionary; durable in its own file, as above"),
    "Python deepcopy": ("package", "deepcopy", "copy.deepcopy of the value"),
    "Python json": ("package", "json", "json.dumps, json.loads, in memory"),
    "SQLite WAL FULL": ("sqlite", "wal", "fsync of the log; a database"),
    "SQLite rollback FULL": ("sqlite", "rollback", "fsync of journal, database, folder; a database"),
    "LevelDB sync": ("leveldb", "sync", "fdatasync of the log; a database"),
    "RocksDB sync": ("rocksdb", "sync", "fdatasync of the log; a database"),
    "LMDB": ("lmdb", "sync", "fdatasync of pages; a database"),
    "write-file-atomic": ("npm", "write-file-atomic", "temp, fsync, rename; no backup"),
    "lowdb": ("npm", "lowdb", "temp, rename; no fsync, no backup"),
    "conf": ("npm", "conf", "temp, fsync, rename; no backup"),
    "proper-lockfile": ("npm", "proper-lockfile", "lock, read, write-file-atomic, unlock; no backup"),
    "Python os.replace": ("python", "replace", "temp, fsync, replace, fsync of the folder; no backup"),
    "Python sqlite3": ("python", "sqlite3", "SQLite WAL FULL"),
    "Python zipfile": ("python", "zipfile", "deflate at the default level, fsync"),
}


class Programs:
    """Where the contestants' programs are, and which are missing."""

    def __init__(self, build, node_modules, interpreter):
        self.build = pathlib.Path(build)
        self.interpreter = pathlib.Path(interpreter or "/nonexistent")  # has the Python package
        self.node_modules = pathlib.Path(node_modules) if node_modules else None

    def command(self, name):
        """The start of the command line, or None when the contestant cannot take part."""
        program, method, _ = CONTESTANTS[name]
        if program == "python":
            start = ["/usr/bin/python3", str(HERE / "rivals" / "python.py")]
        elif program == "package":
            if not os.access(self.interpreter, os.X_OK):
                return None
            start = [str(self.interpreter), str(HERE / "engine" / "engine.py")]
        elif program == "npm":
            if not self.node_modules or not shutil.which("node"):
                return None
            # Node looks for packages beside the script, so the script goes to the packages.
            script = self.node_modules.parent / "npm.mjs"
            shutil.copyfile(HERE / "rivals" / "npm.mjs", script)
            start = ["node", str(script)]
        else:
            binary = self.build / f"bench_{program}"
            if not os.access(binary, os.X_OK):
                return None
            start = [str(binary)]
        return start + ["--method", method]
