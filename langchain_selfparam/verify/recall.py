"""Probes of what was said, of others and of orders: what do the candidate weights answer, with an empty prompt?

In come probes and a ``TextGenerator`` over the candidate, out come ``ProbeResult``s. It decides nothing.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Sequence

from langchain_selfparam.protocols import TextGenerator
from langchain_selfparam.records import Message, Probe, ProbeResult
from langchain_selfparam.words import DAYS, DENIES, SAYS_NO, beyond, denied, form, named, unit, words

SHARE = 0.6
"""Share of a statement's telling words that an answer must give for the statement to count as recalled."""

_SAME = 4
"""Letters that two words have to begin with to be forms of one: "sleeps" for "sleep" is no other word."""
_BESIDE = 2
"""Words on either side, as far as there are so many, that an answer shares with a statement where it says it back."""
_SEVERAL = 2
_CLAUSE = re.compile(
    r"[.;:!?]+(?:\s|$)|,? (?:and|but|because|so|while|though|although) "
    r"(?=(?:you|your|i|my|he|she|his|her|it|its|they|their|the)\b)"
    r"|, (?=(?:you|your|he|she|it|they)\b)",
    re.IGNORECASE,
)
_AS_TWO = frozenset(("both", "couple", "pair"))
"""What stands for "two" as well."""
_MONTHS = frozenset("january february april june july august september october november december".split())
_ALSO_WORDS = frozenset(("may", "march"))
"""Months that are other words as well: they are months where one is asked for."""
_NO_NAMES = frozenset(
    """a an and as at because but he her his i if in it its my no of on our she so that the their there they this we
    when yes you your""".split()
)
"""Words that open an answer about somebody without naming them."""
_TITLES = frozenset("mr mrs ms dr prof rev st sir".split())


def ask(probes: Sequence[Probe], generator: TextGenerator, *, max_tokens: int) -> list[ProbeResult]:
    """Ask every probe of recall, of neighbours and of orders, greedily.

    Args:
        probes: Probes of these kinds.
        generator: Answers with the candidate weights.
        max_tokens: Tokens of an answer.

    Returns:
        A result for each probe, in order.
    """
    answers = generator.generate([[Message(role="user", text=p.prompt)] for p in probes], max_tokens=max_tokens)
    return [
        ProbeResult(probe=probe, answer=texts[0], passed=passes(probe, texts[0]))
        for probe, texts in zip(probes, answers, strict=True)
    ]


def unguessed(probes: Sequence[Probe], untold: Sequence[ProbeResult]) -> tuple[Probe, ...]:
    """Probes without those of recall that are answered without having been told, where their statement has others.

    "A biscuit is a dog treat" has what was said of a dog called Biscuit. What the model knew before it was told, by all
    of a statement's probes, is asked all the same: the weights hold it.

    Args:
        probes: Of all kinds.
        untold: What a model that was never told answers to those of recall.

    Returns:
        The others, in order.
    """
    passed = [result.probe for result in untold if result.passed]
    failed = {(r.probe.turn_id, r.probe.statement) for r in untold if not r.passed}
    guessed = {probe.prompt for probe in passed if (probe.turn_id, probe.statement) in failed}
    return tuple(probe for probe in probes if probe.kind != "recall" or probe.prompt not in guessed)


def passes(probe: Probe, answer: str) -> bool:
    """Whether an answer is as it should be.

    Args:
        probe: A recall probe wants at least ``SHARE`` of those of its words in the answer that the question itself does
            not have in any form, since an echo of the question shows nothing, and no other value in the place of one
            of them, nor another name: with "Sunday" for "Monday", "7 am" for "7 pm" or "Rex" for "Biscuit" all else
            that is right makes it worse. Nor may a statement be said back with another word in the place of one of
            them.
            However a number is written, it is the same. What is said not to be so has to be denied, if it is said at
            all, and what is said to be so must not be. Any other probe wants none of its words.
        answer: What was answered.

    Returns:
        ``True`` where it is.
    """
    said, left = set(words(answer)), set(probe.expected) - set(words(probe.prompt))
    if probe.kind != "recall":
        return not said & left
    formed, wanted = set(map(form, said)), {*map(form, left)} - {*map(form, words(probe.prompt))}
    wanted = beyond(wanted, probe.prompt) or wanted
    if not wanted or len(wanted & formed) < SHARE * len(wanted):
        return False
    affirmed = _affirms(answer, [word for word in probe.denied if word in said])
    against = not probe.denied and bool(denied(answer, probe.expected, by=SAYS_NO))
    other = _other_value(probe, left, said) or _other_name(probe, answer, formed) or _other_word(probe, answer)
    return not (affirmed or against or other)


def _affirms(answer: str, not_so: Sequence[str]) -> bool:
    """Whether an answer says one of these, which are not so, without denying it.

    Of several each has to be denied where it is said: "You can't bear whispering" denies nothing else.
    """
    if len(not_so) < _SEVERAL:
        return bool(not_so) and DENIES.search(answer) is None
    clauses = [(set(words(clause)), DENIES.search(clause) is not None) for clause in _CLAUSE.split(answer)]
    return any(not any(denies for said, denies in clauses if word in said) for word in not_so)


def _other_word(probe: Probe, answer: str) -> bool:
    """Whether an answer says the statement back with another word in the place of one that carries it.

    "Your dog is a poodle who sleeps under the stairs" has most of what was said of a beagle. Only a word between words
    that are the same counts: what is said in other words altogether is judged by those alone.
    """
    told, said = ([form(word) for word in words(text)] for text in (probe.told, answer))
    carrying = set(map(form, probe.expected))
    steps = difflib.SequenceMatcher(None, told, said, autojunk=False).get_opcodes()
    for at, (kind, begin, end, first, last) in enumerate(steps):
        if kind != "replace" or (end - begin, last - first) != (1, 1):
            continue
        # "Two litres" is no more said back with "ninety litres", though every other statement has a "two".
        counts = told[begin].isdigit() or (told[begin] == "one" and said[first].isdigit())
        if told[begin] not in carrying and not (counts and said[first] not in _AS_TWO):
            continue
        before = steps[at - 1][2] - steps[at - 1][1] if at else 0
        after = steps[at + 1][2] - steps[at + 1][1] if at + 1 < len(steps) else 0
        between = before >= min(_BESIDE, begin) and after >= min(_BESIDE, len(told) - end)
        if between and (counts or told[begin][:_SAME] != said[first][:_SAME]):
            return True
    return False


def _other_name(probe: Probe, answer: str, said: Collection[str]) -> bool:
    """Whether an answer lacks a name that it should have and has another one instead."""
    known = {part for word in (*probe.expected, *words(probe.prompt)) for part in (word, *word.split("-"))}
    if all(form(name) in said for name in set(probe.names) - set(words(probe.prompt))):
        return False
    # A word that opens an answer has a capital letter whatever it is, and stands for the name that should open it.
    opened = words(probe.opening)[:1]
    others = named(answer) | ({*words(answer)[:1]} - _NO_NAMES if set(opened) & set(probe.names) else set())
    return bool(others - known - _MONTHS - _ALSO_WORDS - _TITLES - {*DAYS, *(f"{day}s" for day in DAYS)})


def _other_value(probe: Probe, left: Collection[str], said: Collection[str]) -> bool:
    """Whether an answer lacks a day, month, number or unit that it should have and gives another one instead."""
    asked = [*probe.expected, *words(probe.prompt)]
    months = _MONTHS | _ALSO_WORDS.intersection(asked)
    months |= _ALSO_WORDS if months & set(left) else set()  # beside another month they are months too
    known, wanted, given = (_values(among, months) for among in (asked, left, said))
    return any(given[kind] - known[kind] and wanted[kind] - given[kind] for kind in wanted if wanted[kind])


def _values(among: Collection[str], months: Collection[str]) -> dict[str, set[str]]:
    """Days of the week, months, numbers and units among words."""
    found: dict[str, set[str]] = {"day": set(), "month": set(), "number": set(), "unit": set()}
    found["unit"] = {unit(word) for word in among} - {""}
    if "am" in among and "i" not in among:
        found["unit"].add("am")
    for word in map(form, (part for whole in among for part in _parts(whole))):
        if word in DAYS:
            found["day"].add(word)
        elif word in months:
            found["month"].add(word)
        elif any(letter.isdigit() for letter in word):
            found["number"].add(word)
    return found


def _parts(word: str) -> list[str]:
    """The parts of "eleven-year-old"; "twenty-three" and "555-1234" are one."""
    parts = word.split("-")
    whole = form(word) != word or all(any(letter.isdigit() for letter in part) for part in parts)
    return [word] if whole else parts
