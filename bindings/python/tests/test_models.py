"""Values as instances of models: pydantic, msgspec, dataclasses, and lists and dicts of them."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Optional

import msgspec
import pydantic
import pytest
from conftest import NEVER
from safe_chunk_engine import (
    BigFloat,
    ConflictError,
    InvalidJsonError,
    InvalidTypeError,
    NotFoundError,
    SafeChunkEngine,
)


class PydanticTag(pydantic.BaseModel):
    text: str


class PydanticUser(pydantic.BaseModel):
    name: str
    age: int = 18
    tags: list[PydanticTag] = []
    best: Optional[PydanticTag] = None


class StructTag(msgspec.Struct):
    text: str


class StructUser(msgspec.Struct):
    name: str
    age: int = 18
    tags: list[StructTag] = []
    best: Optional[StructTag] = None


@dataclasses.dataclass
class DataTag:
    text: str


@dataclasses.dataclass
class DataUser:
    name: str
    age: int = 18
    tags: list[DataTag] = dataclasses.field(default_factory=list)
    best: Optional[DataTag] = None


@pydantic.dataclasses.dataclass
class PydanticDataTag:
    text: str


@pydantic.dataclasses.dataclass
class PydanticDataUser:
    name: str
    age: int = 18
    tags: list[PydanticDataTag] = dataclasses.field(default_factory=list)
    best: Optional[PydanticDataTag] = None


KINDS = [
    (PydanticUser, PydanticTag, pydantic.ValidationError),
    (StructUser, StructTag, msgspec.ValidationError),
    (DataUser, DataTag, ValueError),
    (PydanticDataUser, PydanticDataTag, pydantic.ValidationError),
]
all_kinds = pytest.mark.parametrize(("User", "Tag", "Wrong"), KINDS)
DUMP = {"name": "Alice", "age": 18, "tags": [{"text": "a"}, {"text": "b"}], "best": {"text": "a"}}


def alice(User: Any, Tag: Any) -> Any:
    return User(name="Alice", tags=[Tag(text="a"), Tag(text="b")], best=Tag(text="a"))


@all_kinds
def test_an_instance_is_stored_as_its_dump(
    engine: SafeChunkEngine, User: Any, Tag: Any, Wrong: Any
) -> None:
    user = alice(User, Tag)
    engine["a"] = user
    engine.stage_update(user, "b")
    engine.stage_update(user, "c", model=User)
    engine.set("d", "", user)
    engine.set("e", "", DUMP, model=User)
    engine.update("f", lambda _: user)
    engine.setdefault("g", user)
    with engine.transaction() as edits:
        edits["h"] = user
        edits.set("i", "", user)
        edits.stage(DUMP, "k", model=User)
        edits.set("l", "", DUMP, model=User)
    engine.update({"j": user})
    assert [value for _, value in engine.items()] == [DUMP] * 12
    engine["many"] = {"list": [user, {"x": user}]}
    assert engine["many"] == {"list": [DUMP, {"x": DUMP}]}


@all_kinds
def test_what_is_read_is_an_instance(
    engine: SafeChunkEngine, User: Any, Tag: Any, Wrong: Any
) -> None:
    engine["c"] = DUMP
    user = alice(User, Tag)
    found = engine.get("c", model=User)
    assert type(found) is User and found == user and type(found.tags[1]) is Tag
    assert engine.fetch_chunk("c", model=User) == user
    assert engine.fetch_value("c", "/tags/0", model=Tag) == Tag(text="a")
    assert engine.get("c", "/tags/1", model=Tag) == Tag(text="b")
    assert engine.get("c", "/tags", model=list[Tag]) == user.tags
    maybe: Any = Optional[Tag]
    assert engine.get("c", pointer="/best", model=maybe) == Tag(text="a")
    with engine.transaction() as edits:
        assert edits.read("c", model=User) == user
        assert edits.read("none", user, model=User) is user
    assert engine.get("none", model=User) is None
    assert engine.get("none", user, model=User) is user
    assert engine.get("c", "/tags/9", user, model=Tag) is user
    with pytest.raises(NotFoundError):
        engine.fetch_value("c", "/none", model=Tag)


@all_kinds
def test_missing_members_get_defaults_and_unknown_ones_are_passed_over(
    engine: SafeChunkEngine, User: Any, Tag: Any, Wrong: Any
) -> None:
    engine["c"] = {"name": "Bob", "unknown": 1}
    assert engine.get("c", model=User) == User(name="Bob")


@all_kinds
def test_a_value_that_does_not_fit_changes_nothing(
    make_engine: Callable[..., SafeChunkEngine], User: Any, Tag: Any, Wrong: Any
) -> None:
    engine = make_engine()
    engine["c"] = {"name": "Bob"}
    engine["bad"] = {"name": ["Bob"]}
    bad: Any = {"name": ["Bob"]}

    def edit() -> None:
        with engine.edit("c", model=User) as user:
            user.name = ["Bob"]

    for call in (
        lambda: engine.get("bad", model=User),
        lambda: engine.fetch_chunk("bad", model=User),
        lambda: engine.fetch_chunk("none", model=User),  # {} has no name
        lambda: engine.fetch_value("bad", "", model=User),
        lambda: engine.get("bad", "/name", model=dict[str, User]),
        lambda: engine.transaction().read("bad", model=User),
        lambda: engine.transaction().stage(bad, "c", model=User),
        lambda: engine.transaction().set("c", "", bad, model=User),
        lambda: engine.set("c", "", bad, model=User),
        lambda: engine.set("c", "/friend", {"age": 1}, model=User),
        lambda: engine.stage_update(bad, "c", model=User),
        lambda: engine.update("c", lambda user: bad, model=User),
        lambda: engine.update("bad", lambda user: None, model=User),
        edit,
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydantic warns of the wrong name when it dumps it
            with pytest.raises(InvalidJsonError, match="does not fit") as raised:
                call()
        assert raised.value.chunk and "\n" not in str(raised.value)
        assert isinstance(raised.value.__cause__, (Wrong, ValueError))
    with pytest.raises(InvalidJsonError) as raised:
        engine.get("bad", model=User)
    assert isinstance(raised.value.__cause__, Wrong) and "name" in str(raised.value)
    assert dict(engine) == {"c": {"name": "Bob"}, "bad": bad}


@all_kinds
def test_edit_and_update_change_only_what_differs(
    engine: SafeChunkEngine, User: Any, Tag: Any, Wrong: Any
) -> None:
    given = '{"note": "kept", "name": "B", "age": 1, "best": {"x": 1.10, "text": "t"}, "tags": []}'
    engine.stage_text(given, "c")
    text = str(engine.fetch_text("c"))
    with engine.edit("c", model=User) as user:
        user.best.text = "u"
    assert engine.fetch_text("c") == text.replace('"t"', '"u"')

    def birthday(user: Any) -> None:
        user.age += 1

    assert engine.update("c", birthday, model=User)
    text = text.replace('"t"', '"u"').replace('"age": 1', '"age": 2')
    assert engine.fetch_text("c") == text and "1.10" in text
    with engine.edit("c", model=User) as user:
        pass
    assert engine.update("c", lambda user: None, model=User)
    assert engine.fetch_text("c") == text


@all_kinds
def test_defaults_are_not_written_until_they_change(
    engine: SafeChunkEngine, User: Any, Tag: Any, Wrong: Any
) -> None:
    engine["c"] = {"name": "Bob"}
    with engine.edit("c", model=User) as user:
        user.tags.append(Tag(text="new"))
    assert engine["c"] == {"name": "Bob", "tags": [{"text": "new"}]}
    with engine.edit("c", model=User) as user:
        user.tags = []
        user.best = Tag(text="x")
    assert engine["c"] == {"name": "Bob", "tags": [], "best": {"text": "x"}}


def test_what_the_model_has_converted_is_not_written_until_it_changes(
    engine: SafeChunkEngine,
) -> None:
    engine["c"] = {"name": "Bob", "age": "5"}
    with engine.edit("c", model=PydanticUser) as user:
        user.name = "Eve"
    assert engine["c"] == {"name": "Eve", "age": "5"}


@all_kinds
def test_a_chunk_that_is_not_there(
    engine: SafeChunkEngine, User: Any, Tag: Any, Wrong: Any
) -> None:
    with engine.edit("c", default=User(name="Eve"), model=User) as user:
        user.age = 3
    assert engine["c"] == {"name": "Eve", "age": 3, "tags": [], "best": None}
    assert engine.update("d", lambda user: None, default=User(name="Eve"), model=User)
    assert engine["d"] == {"name": "Eve", "age": 18, "tags": [], "best": None}
    with pytest.raises(InvalidJsonError, match="does not fit"):
        engine.update("e", lambda user: None, model=User)
    assert "e" not in engine


@all_kinds
def test_conditions_and_asyncio(engine: SafeChunkEngine, User: Any, Tag: Any, Wrong: Any) -> None:
    async def run() -> None:
        await engine.stage_update_async(DUMP, "c", model=User)
        seen = await engine.revision_async("c")
        assert await engine.get_async("c", model=User) == alice(User, Tag)
        assert await engine.fetch_chunk_async("c", model=User) == alice(User, Tag)
        await engine.set_async("c", "/best", {"text": "z"}, model=Tag)
        assert await engine.update_async("c", lambda user: None, model=User)
        async with engine.edit("c", model=User) as user:
            user.age = 5
        with pytest.raises(ConflictError):
            engine.set("c", "/best", {"text": "y"}, model=Tag, if_revision=seen)
        with pytest.raises(InvalidJsonError):
            await engine.set_async("c", "/best", {}, model=Tag)

    asyncio.run(run())
    assert engine["c"]["age"] == 5 and engine["c"]["best"] == {"text": "z"}


# --- what one kind alone has


def test_pydantic_aliases_computed_fields_and_times(engine: SafeChunkEngine) -> None:
    class Event(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(strict=True, extra="forbid")
        when: datetime.datetime = pydantic.Field(alias="at")

        @pydantic.computed_field  # type: ignore[prop-decorator]
        @property
        def year(self) -> int:
            return self.when.year

    event = Event(at=datetime.datetime(2026, 1, 2))
    engine["c"] = event
    assert engine["c"] == {"at": "2026-01-02T00:00:00"}
    assert engine.get("c", model=Event) == event


def test_msgspec_names_and_times(engine: SafeChunkEngine) -> None:
    class Event(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
        begins_at: datetime.date
        by_number: dict[int, str]

    event = Event(datetime.date(2026, 1, 2), {1: "a"})
    engine["c"] = event
    assert engine["c"] == {"beginsAt": "2026-01-02", "byNumber": {"1": "a"}}
    assert engine.get("c", model=Event) == event


@dataclasses.dataclass
class Everything:
    number: float
    flag: bool
    state: Literal["on", "off"]
    either: int | str | None
    names: dict[str, DataTag]
    seen: Sequence[int]
    more: Mapping[str, Any]
    pydantic: PydanticTag
    struct: StructTag
    nothing: None = None
    made: int = dataclasses.field(default=7, init=False)


def everything(**changes: Any) -> dict[str, Any]:
    return {
        "number": 1, "flag": True, "state": "on", "either": "x", "names": {"a": {"text": "t"}},
        "seen": [1], "more": {"x": [1]}, "pydantic": {"text": "p"}, "struct": {"text": "s"},
        **changes,
    }  # fmt: skip


def test_annotations_of_dataclasses(engine: SafeChunkEngine) -> None:
    engine["c"] = everything(made=8)
    found = engine.fetch_value("c", "", model=Everything)
    assert found == Everything(
        1.0, True, "on", "x", {"a": DataTag("t")}, [1], {"x": [1]}, PydanticTag(text="p"),
        StructTag("s"),
    )  # fmt: skip
    assert type(found.number) is float and found.made == 7
    engine["d"] = found
    assert engine.get("d", model=Everything) == found
    engine.stage_text('{"number": 1e400}', "big")
    assert isinstance(engine.get("big", "/number", model=float), BigFloat)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"number": True}, "number: expected float, not bool"),
        ({"flag": 1}, "flag: expected bool, not int"),
        ({"state": "up"}, "state: expected one of"),
        ({"either": 1.5}, "either: expected int, not float, or expected str, not float"),
        ({"names": {"a": {"text": 1}}}, "names.a.text: expected str, not int"),
        ({"names": []}, "names: expected dict"),
        ({"names": {"a": {}}}, "names.a: text is missing"),
        ({"seen": [1, None]}, "seen.1: expected int, not null"),
        ({"nothing": 1}, "nothing: expected null, not int"),
        ({"struct": []}, "Expected `object`, got `array`"),
        ({"pydantic": {}}, "text: Field required"),
    ],
)
def test_dataclasses_say_where(
    engine: SafeChunkEngine, changes: dict[str, Any], where: str
) -> None:
    engine["c"] = everything(**changes)
    with pytest.raises(InvalidJsonError) as raised:
        engine.get("c", model=Everything)
    assert where in raised.value.message and raised.value.message.startswith("does not fit Everyth")


@dataclasses.dataclass
class Timed:
    when: datetime.date


def test_an_annotation_that_needs_a_library_is_named(engine: SafeChunkEngine) -> None:
    engine["c"] = {"when": "2026-01-02"}
    with pytest.raises(InvalidJsonError, match="date cannot be made of JSON here: use .*pydantic"):
        engine.get("c", model=Timed)
    with pytest.raises(InvalidTypeError, match="date is not JSON, at when"):
        engine["c"] = Timed(datetime.date(2026, 1, 2))
    assert engine.stage_update(Timed(datetime.date(2026, 1, 2)), "c", default=str)
    assert engine["c"] == {"when": "2026-01-02"}


def test_dataclasses_that_refuse(engine: SafeChunkEngine) -> None:
    @dataclasses.dataclass
    class Positive:
        n: int

        def __post_init__(self) -> None:
            if self.n < 0:
                raise LookupError("n is negative")

    engine["c"] = {"n": -1}
    with pytest.raises(InvalidJsonError, match="does not fit Positive: n is negative") as raised:
        engine.get("c", model=Positive)
    assert isinstance(raised.value.__cause__, LookupError)


def test_a_model_does_without_functions_for_numbers(
    make_engine: Callable[..., SafeChunkEngine],
) -> None:
    engine = make_engine(parse_int=lambda text: f"int {text}")
    engine["c"] = {"name": "Bob", "age": 3}
    assert engine["c"]["age"] == "int 3"
    assert engine.get("c", model=DataUser) == DataUser("Bob", 3)
    with engine.edit("c", model=DataUser) as user:
        user.age += 1
    assert engine.fetch_value("c", "/age") == "int 4"


def test_default_is_not_asked_for_instances(make_engine: Callable[..., SafeChunkEngine]) -> None:
    engine = make_engine(default=str, debounce_delay=NEVER)
    engine["c"] = {"tag": DataTag("t"), "when": datetime.date(2026, 1, 2), "class": DataTag}
    assert engine["c"]["tag"] == {"text": "t"} and engine["c"]["when"] == "2026-01-02"
    assert "DataTag" in engine["c"]["class"]  # a class is no instance
