"""What a measurement depends on: the kind of machine and file system; and file systems to try."""

import contextlib
import datetime
import os
import pathlib
import platform
import shutil
import subprocess

MAKE = {"ext4": ["mkfs.ext4", "-q", "-F"], "xfs": ["mkfs.xfs", "-q", "-f"], "btrfs": ["mkfs.btrfs", "-q", "-f"]}
IMAGE_BYTES = 16 << 30  # sparse


def file_system_of(folder):
    """(type, what keeps its metadata consistent) of the file system that holds a folder."""
    found = subprocess.run(["findmnt", "-n", "-o", "FSTYPE,SOURCE", "-T", str(folder)],
                           check=True, capture_output=True, text=True).stdout.split()
    kind, source = found[0], found[1].split("[")[0]
    if kind == "ext4":
        device = pathlib.Path(os.path.realpath(source)).name
        journaled = any(entry.name.startswith(device + "-") for entry in pathlib.Path("/proc/fs/jbd2").glob("*"))
        return kind, "with a journal" if journaled else "without a journal"
    return kind, {"xfs": "with a log", "btrfs": "copy on write"}.get(kind, "")


def describe(folder):
    kind, journal = file_system_of(folder)
    memory = int(pathlib.Path("/proc/meminfo").read_text(encoding="ascii").split()[1])
    return {"date": datetime.date.today().isoformat(), "cores": os.cpu_count(),
            "processor": platform.machine(), "memory_gb": round(memory / 1e6),
            "kernel": ".".join(platform.release().split(".")[:2]),
            "file_system": kind, "journal": journal, "load": os.getloadavg()[0]}


def in_words(machine):
    return (f"{machine['cores']} cores ({machine['processor']}), {machine['memory_gb']} GB, "
            f"Linux {machine['kernel']}, {machine['file_system']} {machine['journal']}, {machine['date']}, load {machine['load']:.1f}")


@contextlib.contextmanager
def loop_file_system(kind, folder):
    """A new file system of that kind in an image, mounted; yields where."""
    if os.geteuid() != 0:
        raise PermissionError("mounting images needs root")
    if not shutil.which(MAKE[kind][0]):
        raise FileNotFoundError(f"{MAKE[kind][0]} is not installed")
    image, mounted = folder / f"{kind}.img", folder / f"{kind}.mounted"
    mounted.mkdir(parents=True, exist_ok=True)
    with open(image, "wb") as file:
        file.truncate(IMAGE_BYTES)
    try:
        subprocess.run(MAKE[kind] + [str(image)], check=True)
        subprocess.run(["mount", "-o", "loop", str(image), str(mounted)], check=True)
        try:
            yield mounted
        finally:
            subprocess.run(["umount", str(mounted)], check=True)
    finally:
        image.unlink()
