"""Another name of safe_chunk_engine.tinydb."""

from safe_chunk_engine.tinydb import SafeChunkStorage as SafeChunkStorage

__all__ = ["SafeChunkStorage"]
