"""Values of JSON as instances of classes (``model=``), and back.

pydantic and msgspec check and dump their own classes; neither is needed here. Dataclasses are made
here, with their fields' annotations, and so are lists, dicts and unions of any of these.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from . import _core
from ._differences import same
from ._numbers import BigFloat
from .errors import InvalidJsonError, SafeChunkError

M = TypeVar("M")

_DEPTH_LIMIT = 1_000_000  # a value that was read is not too deep


def dump_of(value: object) -> object:
    """The dump of an instance of a model: what JSON holds of it, which may have instances of models
    in it. NotImplemented for other objects. Called by the extension module."""
    kind: Any = type(value)
    if hasattr(kind, "__pydantic_serializer__"):
        # With these options the dump of a model with aliases or computed fields fits the model.
        return _pydantic(kind).dump_python(value, mode="json", by_alias=True, round_trip=True)
    if hasattr(kind, "__struct_fields__"):
        return importlib.import_module("msgspec").to_builtins(value, str_keys=True)
    if dataclasses.is_dataclass(kind):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(kind)}
    return NotImplemented


def instance_of(model: type[M], value: object, chunk_name: str) -> M:
    """`value`, which JSON text gave, as an instance of `model`.

    :raises InvalidJsonError: it does not fit; the error of the model is its cause
    """
    try:
        return typing.cast(M, _fit(model, value))
    except (SafeChunkError, RecursionError):
        raise
    except Exception as error:  # functions of the model may raise anything
        message = f"does not fit {_name(model)}: {_reason(error)}"
        raise InvalidJsonError(message, chunk=chunk_name) from error


def _name(model: Any) -> str:
    return model.__name__ if isinstance(model, type) and not typing.get_args(model) else str(model)


def _reason(error: Exception) -> str:
    """One line. pydantic's own text has several."""
    details = getattr(error, "errors", None)
    if callable(details):
        found = typing.cast("list[dict[str, Any]]", details())
        return "; ".join(
            ": ".join(filter(None, [".".join(map(str, one["loc"])), str(one["msg"])]))
            for one in found
        )
    return " ".join(str(error).split()) or type(error).__name__


@functools.lru_cache(maxsize=256)
def _pydantic(model: Any) -> Any:
    return importlib.import_module("pydantic").TypeAdapter(model)


class _UnknownModel(TypeError):
    """An annotation that only pydantic and msgspec understand."""


class Misfit(ValueError):
    """A value that an annotation does not allow, and where it is."""

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.message = message
        self.where = where


def _fit(model: Any, value: Any) -> Any:
    if hasattr(model, "__pydantic_validator__"):
        # As JSON text: in strict mode only text may hold times, sets and the like.
        return _pydantic(model).validate_json(_core.dump(value, None, _DEPTH_LIMIT))
    if hasattr(model, "__struct_fields__"):
        return importlib.import_module("msgspec").convert(value, model, str_keys=True)
    if isinstance(model, type) and dataclasses.is_dataclass(model):
        return _fit_dataclass(model, value)
    origin = typing.get_origin(model)
    if origin is None:
        return _fit_plain(model, value)
    return _fit_generic(origin, typing.get_args(model), value, model)


def _fit_dataclass(model: Any, value: Any) -> Any:
    if not isinstance(value, dict):
        raise _wrong(model, value)
    members = typing.cast("dict[str, Any]", value)
    hints = typing.get_type_hints(model)
    fields = {field.name: field for field in dataclasses.fields(model) if field.init}
    for name, field in fields.items():
        if name not in members and field.default is field.default_factory is dataclasses.MISSING:
            raise Misfit(f"{name} is missing")
    # A member that the class does not have is passed over, as pydantic and msgspec do.
    return model(**{
        name: _fit_at(name, hints[name], part) for name, part in members.items() if name in fields
    })  # fmt: skip


def _fit_at(name: object, model: Any, value: Any) -> Any:
    try:
        return _fit(model, value)
    except Misfit as misfit:
        where = f"{name}.{misfit.where}" if misfit.where else str(name)
        raise Misfit(misfit.message, where) from None


def _fit_generic(origin: Any, arguments: tuple[Any, ...], value: Any, model: Any) -> Any:
    if origin in (typing.Union, types.UnionType):
        return _fit_union(arguments, value)
    if origin is typing.Literal:
        if any(value == one and type(value) is type(one) for one in arguments):
            return value
        raise Misfit(f"expected one of {arguments}, not {value!r}")
    if origin in (list, Sequence) and isinstance(value, list):
        items = typing.cast("list[Any]", typing.cast(object, value))
        return [_fit_at(index, arguments[0], item) for index, item in enumerate(items)]
    if origin in (dict, Mapping) and isinstance(value, dict):
        members = typing.cast("dict[str, Any]", value)
        return {name: _fit_at(name, arguments[1], part) for name, part in members.items()}
    if origin in (list, Sequence, dict, Mapping):
        raise _wrong(model, value)
    raise _unknown(model)


def _fit_union(models: tuple[Any, ...], value: Any) -> Any:
    """As the first one that fits."""
    others = [model for model in models if model is not types.NoneType]
    if value is None and len(others) < len(models):
        return None
    if len(others) == 1:
        return _fit(others[0], value)
    misfits: list[str] = []
    for model in others:
        try:
            return _fit(model, value)
        except _UnknownModel:
            raise
        except Exception as error:  # the libraries have classes of their own
            misfits.append(_reason(error))
    raise Misfit(", or ".join(misfits))


def _fit_plain(model: Any, value: Any) -> Any:
    if model is Any or model is object:
        return value
    if model is None:
        model = types.NoneType
    if model is float and type(value) is int:
        return float(value)
    if type(value) is model or (model is float and isinstance(value, BigFloat)):
        return value
    if model in (bool, int, float, str, types.NoneType, list, dict):
        raise _wrong(model, value)
    raise _unknown(model)


def _wrong(model: Any, value: object) -> Misfit:
    found: dict[Any, str] = {dict: "an object", list: "a list", types.NoneType: "null"}
    kind = type(value)
    name = "null" if model is types.NoneType else _name(model)
    return Misfit(f"expected {name}, not {found.get(kind, kind.__name__)}")


def _unknown(model: Any) -> _UnknownModel:
    return _UnknownModel(
        f"{_name(model)} cannot be made of JSON here: use a class of pydantic or msgspec"
    )


def kept(original: Any, before: Any, after: Any) -> Any:
    """`after` with what the model does not tell of: parts that are as they were `before` are as in
    the `original`, and members that the model does not know stay."""
    if same(before, after):
        return original
    if not (isinstance(original, dict) and isinstance(before, dict) and isinstance(after, dict)):
        return after
    there = typing.cast("dict[str, Any]", original)
    was = typing.cast("dict[str, Any]", before)
    now = typing.cast("dict[str, Any]", after)
    merged: dict[str, Any] = {}
    for name, part in there.items():
        if name in now:
            merged[name] = kept(part, was[name], now[name]) if name in was else now[name]
        elif name not in was:
            merged[name] = part
    for name, part in now.items():
        # A member that the model has filled in is written when it has changed.
        if name not in there and not (name in was and same(was[name], part)):
            merged[name] = part
    return merged
