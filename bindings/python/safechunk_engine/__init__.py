"""The package safe_chunk_engine under the name of the original's file."""

from safe_chunk_engine import *  # pyright: ignore[reportWildcardImportFromLibrary]
from safe_chunk_engine import __all__ as __all__
from safe_chunk_engine import __version__ as __version__
