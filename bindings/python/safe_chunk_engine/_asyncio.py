"""The methods that wait for the disk, for programs that use asyncio."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, overload

from ._arguments import Default, checked_condition, checked_merge, checked_name
from ._calls import MISSING, Progress
from ._checkpoints import Checkpoints
from ._chunks import Chunks
from ._models import M
from ._parts import Function


class Asyncio(Chunks, Checkpoints):
    """The part of SafeChunkEngine that does not block the event loop."""

    def stage_update_async(
        self,
        data: object,
        chunk_name: str,
        *,
        default: Default | None = None,
        model: type[Any] | None = None,
        if_revision: str | None = None,
        if_absent: bool = False,
    ) -> Coroutine[Any, Any, bool]:
        """As stage_update(). The copy is taken at the call, not when it is awaited."""
        format = self._format()._replace(default=default or self._default)
        text = format.fitting_text(data, model, checked_name(chunk_name))
        call = functools.partial(self.stage_text, if_revision=if_revision, if_absent=if_absent)
        return asyncio.to_thread(call, text, chunk_name)

    # --- parts; values are copied at the call

    async def get_async(self, chunk_name: str, *arguments: Any, **named: Any) -> Any:
        """As get()."""
        return await asyncio.to_thread(self.get, chunk_name, *arguments, **named)

    async def revision_async(self, chunk_name: str) -> str:
        """As revision()."""
        return await asyncio.to_thread(self.revision, chunk_name)

    def set_async(
        self,
        chunk_name: str,
        pointer: str,
        value: object,
        *,
        model: type[Any] | None = None,
        if_revision: str | None = None,
        if_absent: bool = False,
    ) -> Coroutine[Any, Any, bool]:
        """As set()."""
        condition = checked_condition(if_revision, if_absent)
        text = self._format().fitting_text(value, model, checked_name(chunk_name))
        return asyncio.to_thread(self._set, chunk_name, pointer, text, condition)

    async def unset_async(
        self, chunk_name: str, pointer: str, *, if_revision: str | None = None
    ) -> bool:
        """As unset()."""
        return await asyncio.to_thread(self.unset, chunk_name, pointer, if_revision=if_revision)

    def merge_async(
        self,
        chunk_name: str,
        changes: Mapping[str, Any],
        *,
        if_revision: str | None = None,
        if_absent: bool = False,
    ) -> Coroutine[Any, Any, bool]:
        """As merge()."""
        condition = checked_condition(if_revision, if_absent)
        text = checked_merge(self._text(changes), changes)
        return asyncio.to_thread(self._merge, chunk_name, text, condition)

    def patch_async(
        self,
        chunk_name: str,
        operations: Iterable[Mapping[str, Any]],
        *,
        if_revision: str | None = None,
    ) -> Coroutine[Any, Any, bool]:
        """As patch()."""
        condition = checked_condition(if_revision)
        return asyncio.to_thread(self._patch, chunk_name, self._text(list(operations)), condition)

    async def update_async(
        self,
        chunk_name: str,
        function: Function,
        *,
        default: Any = MISSING,
        model: type[Any] | None = None,
    ) -> bool:
        """As update(); `function` is called on another thread."""
        call = functools.partial(self._update, default=default, model=model)
        return await asyncio.to_thread(call, chunk_name, function)

    # --- whole chunks

    @overload
    async def fetch_chunk_async(self, chunk_name: str) -> Any: ...
    @overload
    async def fetch_chunk_async(self, chunk_name: str, *, model: type[M]) -> M | None: ...
    async def fetch_chunk_async(self, chunk_name: str, *, model: type[Any] | None = None) -> Any:
        """As fetch_chunk()."""
        call = functools.partial(self.fetch_chunk, chunk_name)
        if model is None:
            return await asyncio.to_thread(call)
        return await asyncio.to_thread(call, model=model)

    async def force_sync_async(self) -> bool:
        """As force_sync()."""
        return await asyncio.to_thread(self.force_sync)

    async def create_checkpoint_async(
        self, *arguments: Any, progress: Progress | None = None, **options: Any
    ) -> str | None:
        """As create_checkpoint(); `progress` is called on another thread."""
        call = functools.partial(self.create_checkpoint, *arguments, progress=progress, **options)
        return await asyncio.to_thread(call)

    async def export_archive_async(
        self,
        path: str | os.PathLike[str],
        *,
        label: str = "export",
        notes: str = "",
        progress: Progress | None = None,
    ) -> bool:
        """As export_archive(); `progress` is called on another thread."""
        call = functools.partial(
            self.export_archive, path, label=label, notes=notes, progress=progress
        )
        return await asyncio.to_thread(call)

    async def restore_checkpoint_async(
        self,
        filename: str | os.PathLike[str] | None = None,
        *,
        zip_name: str | os.PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> bool:
        """As restore_checkpoint(); `progress` is called on another thread."""
        call = functools.partial(
            self.restore_checkpoint, filename, zip_name=zip_name, progress=progress
        )
        return await asyncio.to_thread(call)
