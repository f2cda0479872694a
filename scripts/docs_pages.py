"""The pages of the site that are made of something else: a hook that MkDocs runs, see `mkdocs.yml`.

The front page is the README, the language reference is the pages that the tests run, the examples are the files
themselves, the commands are what `--help` prints. So no page can say anything else than what it is made of.
"""

from __future__ import annotations

import os
import re
from argparse import _SubParsersAction
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

import smashdsl
from smashdsl.cli.main import parser
from smashdsl.lang.text.codes import CODES
from smashdsl.lang.text.explain import explanation

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "tests" / "spec"
EXAMPLES = ROOT / "examples"
FIRST = ("values-and-choices", "layers", "banks-reads-writes", "blocks-and-cells")  # pages of the reference
WIDTH = "100"  # columns of what `--help` prints


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Refuse to build a site whose texts would have no colours, and name the pages of the gallery."""
    try:
        get_lexer_by_name("smash")
    except ClassNotFound:
        raise PluginError("Pygments does not know `.smash`: install this package, `pip install -e '.[docs]'`") from None
    filled = navigation()
    for entry in config.nav or []:
        if isinstance(entry, dict):
            entry.update({title: filled[title] for title in entry if title in filled})
    return config


def navigation() -> dict[str, list[str]]:
    """Return the pages of the language and of the gallery, in order."""
    names = sorted((path.stem for path in REFERENCE.glob("*.md")), key=lambda name: (_place(name), name))
    language = [f"reference/{name}.md" for name in (*names, "codes")]
    return {"Language": language, "Gallery": ["gallery.md", *(f"examples/{path.stem}.md" for path in _examples())]}


def _place(name: str) -> int:
    return FIRST.index(name) if name in FIRST else len(FIRST) + (name == "errors")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made here."""
    for name, text in pages():
        files.append(File.generated(config, name, content=text))
    return files


def pages() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every page that is made here."""
    yield "index.md", front()
    for page in sorted(REFERENCE.glob("*.md")):
        yield f"reference/{page.name}", reference(page.read_text(encoding="utf-8"))
    yield "reference/codes.md", codes()
    for code in CODES:
        yield f"codes/{code}.md", reference(explanation(code) or f"# {code}: {CODES[code]}\n")
    for path in _examples():
        yield f"examples/{path.stem}.md", example(path)
    yield "cli.md", commands()
    yield "api.md", api()


def front() -> str:
    """Return the README with its links where they lead on the site."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").replace("](docs/", "](")
    text = re.sub(r"\]\(tests/spec/?\)", "](reference/values-and-choices.md)", text)
    return re.sub(r"\]\(examples/?\)", "](gallery.md)", text)


def reference(text: str) -> str:
    """Return a page of the reference; the word that says where a fence's text stands is for the tests."""
    text = re.sub(r"^```smash file (\S+)$", r"`\1`:\n\n```smash", text, flags=re.MULTILINE)
    return re.sub(r"^```smash .+$", "```smash", text, flags=re.MULTILINE)


def codes() -> str:
    """Return every code with its meaning, and where the reference shows it."""
    shown: dict[str, list[str]] = {}
    for page in sorted(REFERENCE.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        for code in sorted(set(re.findall(r"\[(SD\d{4})\]", text))):
            shown.setdefault(code, []).append(f"[{page.stem.replace('-', ' ')}]({page.name})")
    rows = [
        f"| [`{code}`](../codes/{code}.md) | {title} | {', '.join(shown.get(code, []))} |"
        for code, title in CODES.items()
    ]
    told = "Every message of the compiler has a code that stays the same; `smashdsl explain CODE` prints its page."
    head = f"# Codes\n\n{told}\n"
    return "\n".join([head, "| code | meaning | shown in |", "| --- | --- | --- |", *rows, ""])


def example(path: Path) -> str:
    """Return the page of an example: the file itself."""
    return f"# {path.stem}\n\n`examples/{path.name}`\n\n```smash\n{path.read_text(encoding='utf-8')}```\n"


def commands() -> str:
    """Return what `--help` prints for the program and for each command."""
    with patch.dict(os.environ, {"COLUMNS": WIDTH, "NO_COLOR": "1"}):
        top = parser()
        found = next(action for action in top._actions if isinstance(action, _SubParsersAction))
        parts = ["# Commands", _fence(top.format_help())]
        for name, command in found.choices.items():
            parts += [f"## {name}", _fence(command.format_help())]
    return "\n\n".join(parts) + "\n"


def _fence(text: str) -> str:
    return f"```text\n{text.rstrip()}\n```"


def api() -> str:
    """Return the page of all public names, whose texts are their docstrings."""
    names = sorted(smashdsl.__all__, key=lambda name: (name[0].isupper(), name))
    head = "# Python\n\nEverything here is a name of `smashdsl`: `smashdsl.load`, `smashdsl.HyperNet`, and so on.\n"
    return "\n".join([head, *(f"::: {smashdsl._HOMES[name]}.{name}\n" for name in names)])


def _examples() -> list[Path]:
    return sorted(EXAMPLES.glob("*.smash"))
