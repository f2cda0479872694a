"""What people write out of habit from other languages, and how it is written here.

A habit is a function that looks at the word which can't stand where it does, and says what was meant. The first that
knows is heard; where none does, `repair` looks for one word that is missing or too many.
"""

from __future__ import annotations

from collections.abc import Callable

from smashdsl.lang.syntax import phrases, signs
from smashdsl.lang.syntax.place import Place
from smashdsl.lang.text.diagnostics import Diagnostic

Habit = Callable[[Place], "Diagnostic | None"]
HABITS: tuple[Habit, ...] = (
    phrases.maybe_weight,
    signs.equals,
    signs.assignment,
    signs.comment,
    signs.operators,
    signs.numbers,
    signs.early_digit,
    signs.separators,
    signs.swapped_weight,
    phrases.dashed,
    phrases.loop,
    phrases.repeat_without_count,
    phrases.called,
    phrases.nameless_choice,
    phrases.empty_choice,
    phrases.imports,
    phrases.tied_late,
    phrases.untyped_space,
    phrases.stray_words,
    phrases.other_word,
    phrases.unbraced,
)


def explained(place: Place) -> Diagnostic | None:
    """Return what was meant by a word that can't stand where it does, if it is known."""
    for habit in HABITS:
        found = habit(place)
        if found is not None:
            return found
    return None
