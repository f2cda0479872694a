"""The parse table of the grammar, kept as JSON beside it: building it takes longer than most specs take to check.

`python -m smashdsl.lang.syntax.table` writes `grammar/smash.json` anew after a change of the grammar. A table that was
made for another text or by another release of Lark is not used; the parser is then built from the text.
"""

from __future__ import annotations

import json
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import lark
from lark import Lark, Transformer

SHIFT = 0  # Lark's sign for an action that goes to a state; the other reduces by a rule
OPTIONS: dict[str, Any] = {"parser": "lalr", "lexer": "basic", "maybe_placeholders": True}


def text() -> str:
    """Return the text of the language's Lark grammar."""
    return files("smashdsl.grammar").joinpath("smash.lark").read_text(encoding="utf-8")


def parser(grammar: str, transformer: Transformer[Any, Any]) -> Lark:
    """Return the parser of a grammar: from the table that is kept if it is that grammar's, else built."""
    table = files("smashdsl.grammar").joinpath("smash.json")
    if table.is_file():
        kept = json.loads(table.read_text(encoding="utf-8"))
        if kept["made_for"] == _made_for(grammar):
            return _loaded(kept, transformer)
    return Lark(grammar, transformer=transformer, **OPTIONS)


def built(grammar: str) -> dict[str, Any]:
    """Return the table of a grammar as JSON-ready data, with what it was made for."""
    from lark.grammar import Rule
    from lark.lexer import TerminalDef

    data, memo = Lark(grammar, **OPTIONS).memo_serialize([TerminalDef, Rule])
    _renumber(data["parser"]["parser"])
    # through JSON, so that it is equal to what is read
    return dict(json.loads(json.dumps({"made_for": _made_for(grammar), "data": data, "memo": memo})))


def _renumber(table: dict[str, Any]) -> None:
    """Number symbols by name and states by the first way to reach them: Lark's numbers differ from run to run."""
    names = sorted(table["tokens"].values())
    number = {old: names.index(name) for old, name in table["tokens"].items()}
    actions = {
        state: sorted((number[symbol], action) for symbol, action in by_symbol.items())
        for state, by_symbol in table["states"].items()
    }
    order = list(table["start_states"].values())
    for state in order:  # it grows while it is read
        targets = [target for _, (kind, target) in actions[state] if kind == SHIFT]
        order += [target for target in dict.fromkeys(targets) if target not in order]
    place = {state: i for i, state in enumerate(order)}
    table["tokens"] = dict(enumerate(names))
    table["states"] = {
        place[state]: {
            symbol: (kind, place[target] if kind == SHIFT else target) for symbol, (kind, target) in actions[state]
        }
        for state in order
    }
    for ends in ("start_states", "end_states"):
        table[ends] = {rule: place[state] for rule, state in table[ends].items()}


def _made_for(grammar: str) -> dict[str, str]:
    return {"grammar": sha256(grammar.encode()).hexdigest(), "lark": lark.__version__}


def _loaded(kept: dict[str, Any], transformer: Transformer[Any, Any]) -> Lark:
    """Return the parser that a table describes; JSON has made the integers that are keys into text."""
    data, table = kept["data"], kept["data"]["parser"]["parser"]
    table["tokens"] = _by_number(table["tokens"])
    table["states"] = {int(state): _by_number(actions) for state, actions in table["states"].items()}
    parser: Lark = Lark._load_from_dict(data, _by_number(kept["memo"]), transformer=transformer)
    return parser


def _by_number(items: dict[str, Any]) -> dict[int, Any]:
    return {int(key): value for key, value in items.items()}


def main() -> None:
    """Write the table of the grammar beside it."""
    from smashdsl.files import write_text

    path = Path(str(files("smashdsl.grammar").joinpath("smash.json")))
    write_text(path, json.dumps(built(text()), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
