"""What is measured: the works, who does each, and the targets that are ratios between them."""

from dataclasses import dataclass, field

KB, MB = 1000, 1000 * 1000
LOG_RECORD = 200
ROCKS = ["LevelDB sync", "RocksDB sync", "LMDB"]
DATABASES = ["SQLite WAL FULL", "SQLite rollback FULL"] + ROCKS
SCRIPTS = ["write-file-atomic", "lowdb", "conf", "Python os.replace", "Python sqlite3"]


@dataclass
class Target:
    """`ours` must take at most `limit` times what `other` takes."""
    label: str
    ours: str
    other: str
    limit: float
    value: str = "time"


@dataclass
class Work:
    name: str
    title: str
    work: str
    contestants: list
    targets: list = field(default_factory=list)
    size: int = 0          # bytes of the document; 0: the ISO table
    count: int = 10
    chunks: int = 1
    threads: int = 1
    warmup: int = 2
    prepared: bool = False  # begins with a project of `chunks` chunks
    syncs: bool = False     # count fsyncs per operation


def size_name(size):
    return f"{size // MB} MB" if size >= MB else f"{size // KB} KB"


def update(size, count, everybody=True):
    rivals = DATABASES + SCRIPTS if everybody else []
    file, journal = "engine file", "engine journal"
    targets = []
    if everybody:  # at the sizes that the targets are set for
        targets += [Target("P1", file, "floor file", 1.15), Target("P2", journal, "floor log", 1.25)]
        targets += [Target("P1", file, rival, 1.0) for rival in
                    ("write-file-atomic", "conf", "Python os.replace")]
        targets += [Target("P1", "engine Python", "Python os.replace", 1.0)]
        targets += [Target("P2", journal, rival, 1.0) for rival in ("SQLite WAL FULL", "RocksDB sync")]
        targets += [Target("P2", journal, "LevelDB sync", 1.05)]
    return Work(f"update {size}", f"One update of {size_name(size)}, acknowledged as durable", "update",
                ["floor file", file, "floor log", journal] + (["engine Python"] if everybody else []) +
                rivals, targets, size=size, count=count,
                syncs=everybody)


def edit(size, count):
    return Work(f"edit {size}", f"One value of 100 bytes changed in {size_name(size)}, acknowledged as durable", "edit",
                ["floor log", "engine journal", "engine file", "SQLite WAL FULL"],
                [Target("P11", "engine journal", "floor log", 1.5),
                 Target("P11", "engine journal", "SQLite WAL FULL", 1.0)], size=size, count=count)


def processes(number, count):
    """Each operation reads the one document and writes it anew, with nothing between."""
    alone = ["engine file"] if number == 1 else ["engine shared, alone"]
    targets = [Target("P12", "engine shared", "engine file", 1.4)] if number == 1 else [
        Target("P12", "engine shared", "engine shared, alone", 1 / 0.8)]
    return Work(f"processes {number}",
                f"{number} process{'es' if number > 1 else ''}, each updates the same document of 1 KB; per update",
                "processes", alone + ["engine shared", "SQLite WAL FULL", "proper-lockfile"],
                targets + [Target("P12", "engine shared", rival, 1.0)
                           for rival in ("SQLite WAL FULL", "proper-lockfile")],
                size=KB, count=count, threads=number)


def notice(count):
    return Work("notice", "A change by another process: from its start until this process hears of it", "notice",
                ["engine"], [Target("P15", "engine", "limit", 1.0, "p99_ns")], size=KB, count=count)


def batch(chunks, count, everybody=True):
    targets = [Target("P3", "engine file", "floor files", 1.1),
               Target("P3", "engine journal", "floor log", 2.0),
               Target("P3", "engine journal", "SQLite WAL FULL", 1.0)] if everybody else []
    rivals = ["floor files, 8 threads"] + DATABASES if everybody else []
    return Work(f"batch {chunks}", f"{chunks} documents of 1 KB in one commit", "batch",
                ["floor files", "engine file", "floor log", "engine journal"] + rivals, targets,
                size=KB, count=count, chunks=chunks, syncs=everybody)


def threads(count):
    ours = "engine journal"
    return Work("threads 16", "16 threads, each commits its own document of 1 KB; per update", "threads",
                ["floor log", ours, "SQLite WAL FULL"] + ROCKS,
                [Target("P3b", ours, "floor log", 2.0)] +
                [Target("P3b", ours, rival, 1.0) for rival in ["SQLite WAL FULL"] + ROCKS],
                size=KB, count=count, threads=16)


def stage(size, count):
    return Work(f"stage {size}", f"stage_update of {size_name(size) if size else 'an ISO table'}", "stage",
                ["floor simdjson", "engine text", "floor dump", "engine nlohmann", "Python deepcopy",
                 "Python json", "engine Python"],
                [Target("P4", "engine text", "floor simdjson", 1.5),
                 Target("P4", "engine nlohmann", "floor dump", 1.2),
                 Target("P4", "engine Python", "Python deepcopy", 1 / 8),
                 Target("P4", "engine Python", "Python json", 1 / 2)] if size == 100 * KB else [],
                 size=size, count=count)


def fetch(size, count):
    return Work(f"fetch {size}", f"fetch_chunk of {size_name(size) if size else 'an ISO table'}", "fetch",
                ["floor read", "engine text", "floor parse", "engine nlohmann", "Python json",
                 "engine Python"],
                [Target("P5", "engine text", "floor read", 1.5),
                 Target("P5", "engine nlohmann", "floor parse", 1.05),
                 Target("P5", "engine Python", "Python json", 1.0)] if size == 100 * KB else [],
                 size=size, count=count)


def checkpoint(chunks, size, count, limit):
    return Work(f"checkpoint {chunks}x{size}", f"Checkpoint of {chunks} x {size_name(size)}", "checkpoint",
                ["floor copy", "engine", "Python zipfile"],
                [Target("P6", "engine", "floor copy", limit), Target("P6", "engine", "Python zipfile", 0.2),
                 Target("P6 size", "engine", "Python zipfile", 1.15, "archive_bytes")],
                size=size, count=count, chunks=chunks, warmup=0)


def attach(chunks, size, count):
    return Work(f"attach {chunks}x{size}", f"attach to {chunks} chunks of {size_name(size)}", "attach",
                ["floor list", "engine"],
                [Target("P7", "engine", "floor list", 1.0)] if chunks in (1000, 100_000) else [],
                size=size, count=count, chunks=chunks, prepared=True)


def memory(size):
    return Work(f"memory {size}", f"Memory to stage, commit and fetch {size_name(size)}", "memory",
                ["engine"], [Target("P8", "engine", "limit", 1.0, "peak_bytes")], size=size)


def among(chunks, count):
    return Work(f"among {chunks}", f"One update of 1 KB among {chunks} chunks", "update",
                ["floor file", "engine file", "floor log", "engine journal"],
                [], size=KB, count=count, chunks=chunks, prepared=True)


def listing(chunks, count):
    return Work(f"list {chunks}", f"list_chunks of {chunks} chunks", "list", ["floor list", "engine"],
                [Target("P19", "engine", "floor list", 1.5)], size=KB, count=count, chunks=chunks, prepared=True)


def one_of(operation, chunks, count):
    """The same operation in a project of ten chunks, and in one of many."""
    what = "fetch_chunk" if operation == "get" else "stage_update and force_sync"
    return Work(f"{operation} one {chunks}", f"{what} of one chunk of 1 KB among {chunks} and among 10",
                f"{operation}_one", ["engine, 10 chunks", "engine, many chunks"],
                [Target("P19", "engine, many chunks", "engine, 10 chunks", 1.25)],
                size=KB, count=count, chunks=chunks, prepared=True)


def engines(number):
    """What one process with so many engines has; each has saved a document of 1 KB."""
    return Work(f"engines {number}", f"{number} engines in one process", "engines", ["engine"],
                [Target("P18", "engine", "limit", 1.0, value)
                 for value in ("descriptors", "threads", "resident_bytes")],
                size=KB, count=number)


def log(operation, count, threads=1):
    title = {"stage": "appended to a log: it survives the end of the process", "update": "appended to a log, durable",
             "threads": f"appended to a log by each of {threads} threads, durable; per record"}[operation]
    targets = [Target("P13", "engine", "limit", 1.0)] if operation == "stage" else [
        Target("P13", "engine", "floor log", 1.2 if operation == "update" else 1.5)]
    return Work(f"log {operation}", f"A record of {LOG_RECORD} bytes " + title, f"log_{operation}",
                ["floor log", "engine"], targets, size=LOG_RECORD, count=count, threads=threads)


def smoke():
    """Every kind of work once, to see that nothing has rotted."""
    return [update(KB, 2), edit(KB, 2), batch(3, 2), threads(2), processes(2, 2), notice(3), log("stage", 3), log("update", 2), log("threads", 2, 2), stage(KB, 2), fetch(0, 2),
            checkpoint(3, KB, 1, 2.0), attach(10, KB, 2), memory(MB),
            listing(10, 2), one_of("get", 20, 2), one_of("update", 20, 2), engines(20)]


def quick():
    return [update(KB, 40), update(100 * KB, 25), update(10 * MB, 2), edit(10 * MB, 10), batch(100, 25), threads(40),
            processes(1, 100), processes(16, 25), notice(200),
            log("stage", 20_000), log("update", 200), log("threads", 60, 16),
            stage(100 * KB, 200), fetch(100 * KB, 200), stage(0, 40), fetch(0, 40),
            checkpoint(1000, 10 * KB, 1, 2.0), attach(1000, KB, 10), memory(10 * MB),
            listing(1000, 20), one_of("get", 1000, 200), one_of("update", 1000, 60), engines(1000)]


def full():
    return [update(KB, 150), update(10 * KB, 100, False), update(100 * KB, 80), update(MB, 20, False),
            update(10 * MB, 4), update(100 * MB, 2, False), edit(KB, 100), edit(MB, 40), edit(10 * MB, 20),
            batch(10, 40, False), batch(100, 60), batch(1000, 3, False), threads(100),
            processes(1, 300), processes(16, 60), notice(1000),
            log("stage", 50_000), log("update", 500), log("threads", 150, 16),
            stage(KB, 2000), stage(100 * KB, 400), stage(10 * MB, 5), stage(0, 80),
            fetch(KB, 2000), fetch(100 * KB, 400), fetch(10 * MB, 10), fetch(0, 80),
            checkpoint(1000, 10 * KB, 3, 2.0), checkpoint(10, 10 * MB, 1, 1.0),
            attach(10, KB, 20), attach(1000, KB, 20), attach(1000, 100 * KB, 20),
            attach(10_000, KB, 10), attach(100_000, KB, 3),
            among(10, 60), among(1000, 60), among(100_000, 60),
            memory(MB), memory(10 * MB), memory(100 * MB),
            listing(10, 100), listing(1000, 50), listing(100_000, 5)] + [
            one_of(operation, chunks, 200) for operation in ("get", "update") for chunks in (1000, 100_000)] + [
            engines(1000)]
