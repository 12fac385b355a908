#!/usr/bin/python3
"""Makes the documents that the contestants save: user records of a given size, whose countries,
languages and currencies are those of the ISO tables (Debian's iso-codes), and one of those tables.

    documents.py FOLDER SIZE...        sizes in bytes of the compact text

Writes users_SIZE.json (compact), users_SIZE.indented.json (by 4, as the engine's files are) and
table.json. Each begins with "revision": 1000000000, which the contestants count on.
The same sizes give the same bytes, everywhere.
"""

import json
import pathlib
import random
import sys

ISO = pathlib.Path("/usr/share/iso-codes/json")
START = 1_000_000_000


def table(name):
    return json.loads((ISO / f"iso_{name}.json").read_text(encoding="utf-8"))[name]


def record(chance, number, countries, languages, currencies):
    country = chance.choice(countries)
    return {
        "id": number,
        "name": f"{chance.choice(languages)['name'].split(' ')[0]} {country['name'].split(',')[0]}",
        "email": f"user{number}@example.org",
        "active": chance.random() < 0.9,
        "balance": round(chance.uniform(-500, 5000), 2),
        "country": {"code": country["alpha_2"], "name": country["name"], "flag": country.get("flag")},
        "languages": [language["alpha_3"] for language in chance.sample(languages, 3)],
        "currency": chance.choice(currencies)["alpha_3"],
        "note": None if chance.random() < 0.5 else f"said \"{chance.choice(languages)['name']}\"",
    }


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def write(path, value):
    path.with_suffix(".json").write_text(compact(value), encoding="utf-8")
    indented = json.dumps(value, ensure_ascii=False, indent=4) + "\n"
    path.with_suffix(".indented.json").write_text(indented, encoding="utf-8")


def users(size):
    chance = random.Random(size)
    source = (table("3166-1"), table("639-3"), table("4217"))
    records = []
    used = len(compact({"revision": START, "users": []}))
    while used < size:
        records.append(record(chance, len(records), *source))
        used += len(compact(records[-1]).encode()) + 1
    if len(records) > 1:
        records.pop()
    return {"revision": START, "users": records}


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "table", {"revision": START, "639-3": table("639-3")})
    for size in map(int, sys.argv[2:]):
        if not (folder / f"users_{size}.indented.json").exists():
            write(folder / f"users_{size}", users(size))


main()
