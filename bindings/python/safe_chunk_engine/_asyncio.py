"""The methods that wait for the disk, for programs that use asyncio."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Coroutine
from typing import Any

from . import _core
from ._arguments import Default, checked_name
from ._calls import Progress
from ._checkpoints import Checkpoints
from ._chunks import Chunks


class Asyncio(Chunks, Checkpoints):
    """The part of SafeChunkEngine that does not block the event loop."""

    def stage_update_async(
        self, data: object, chunk_name: str, *, default: Default | None = None
    ) -> Coroutine[Any, Any, bool]:
        """As stage_update(). The copy is taken at the call, not when it is awaited."""
        text = _core.dump(data, default or self._default, self._depth_limit)
        return asyncio.to_thread(self.stage_text, text, checked_name(chunk_name))

    async def fetch_chunk_async(self, chunk_name: str) -> Any:
        """As fetch_chunk()."""
        return await asyncio.to_thread(self.fetch_chunk, chunk_name)

    async def force_sync_async(self) -> bool:
        """As force_sync()."""
        return await asyncio.to_thread(self.force_sync)

    async def create_checkpoint_async(
        self, *arguments: Any, progress: Progress | None = None, **options: Any
    ) -> str | None:
        """As create_checkpoint(); `progress` is called on another thread."""
        call = functools.partial(self.create_checkpoint, *arguments, progress=progress, **options)
        return await asyncio.to_thread(call)

    async def restore_checkpoint_async(
        self,
        filename: str | None = None,
        *,
        zip_name: str | None = None,
        progress: Progress | None = None,
    ) -> bool:
        """As restore_checkpoint(); `progress` is called on another thread."""
        call = functools.partial(
            self.restore_checkpoint, filename, zip_name=zip_name, progress=progress
        )
        return await asyncio.to_thread(call)
