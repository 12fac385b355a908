"""Projects as a whole, without opening them."""

from __future__ import annotations

import os

from . import _core
from ._arguments import checked_base_dir, checked_name


def list_projects(base_dir: str | os.PathLike[str] | None = None) -> list[str]:
    """The names of the projects in a folder, sorted: of the folders that hold a folder ``chunks``, and
    whose names a project can have. Opens none of them.

    :param base_dir: the folder; None: the present working folder; "~" is the home folder
    :raises NotFoundError: when there is no such folder
    :raises SafeChunkError: when it cannot be read
    """
    return _core.list_projects(os.fsencode(checked_base_dir(base_dir)))


def delete_project(project_id: str, base_dir: str | os.PathLike[str] | None = None) -> None:
    """Removes a project for ever: its chunks, backups, checkpoints and quarantine, and its folder.

    It is durable when the call returns. LockedError, NotFoundError, InvalidNameError and
    UnsupportedFormatError mean that nothing was changed. After any other error a part may be gone,
    and another call removes the rest.

    :param project_id: the name of the project's folder
    :param base_dir: where it lies, as in list_projects()
    :raises LockedError: when somebody owns it, this process included: detach() first
    :raises NotFoundError: when there is no such project
    :raises UnsupportedFormatError: when a file in it is not provably the engine's; ``path`` says
        which
    :raises InvalidNameError: for a project id that is no plain folder name
    """
    checked_name(project_id, "project id")
    _core.delete_project(project_id, os.fsencode(checked_base_dir(base_dir)))
