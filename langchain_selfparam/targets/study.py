"""The whole of target writing: an episode in, its ``TargetSet`` out.

It puts ``generate`` and ``screen`` together and answers the prompts that must stay as they are. It knows the served
model only as a generator and a scorer.
"""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

from langchain_selfparam.config import TargetConfig
from langchain_selfparam.errors import NothingSaidError
from langchain_selfparam.protocols import TextGenerator, TextScorer
from langchain_selfparam.records import (
    Episode,
    Probe,
    Statement,
    TargetSentence,
    TargetSet,
    Turn,
)
from langchain_selfparam.targets import parse, prompts, screen
from langchain_selfparam.targets.amend import amend_all, amend_earlier
from langchain_selfparam.targets.answers import own_answers
from langchain_selfparam.targets.bank import QUESTIONS
from langchain_selfparam.targets.calibration import as_untouched
from langchain_selfparam.targets.called import by_other_words
from langchain_selfparam.targets.correct import corrections, related
from langchain_selfparam.targets.fill import filled
from langchain_selfparam.targets.generate import Candidate, write_alike, write_general, write_questions
from langchain_selfparam.targets.known import Earlier, known, rivals
from langchain_selfparam.targets.orders import instructs
from langchain_selfparam.targets.person import asked_of_model
from langchain_selfparam.targets.recheck import recall_probes
from langchain_selfparam.targets.unrelated import DRIFT_PROBES, as_before, parted
from langchain_selfparam.words import beyond, denied, form, words

_NEIGHBOUR_PROBES = 16
"""Questions about others that are asked afterwards, at most."""
_FEWEST_NEIGHBOURS = 4
"""Of fewer of them one would decide; then all are learned as they were."""
_FEWEST_ANSWERS = 3
"""Answers of its own below which a passage's sentence is said back: of fewer none can be kept out and asked."""
_PART = 2
"""Of few statements every second question of the bank is asked: each is compared with what others might say as well."""
_AMENDED = 4
"""Times as many whole answers where a statement has been amended, or was learned before and is not held."""


def study(
    episode: Episode,
    *,
    author: TextGenerator,
    served: TextGenerator,
    original: TextGenerator,
    scorer: TextScorer,
    config: TargetConfig,
    calibration: Sequence[TargetSentence] = (),
    taught: Sequence[TargetSet] = (),
    replies: Mapping[int, str] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> TargetSet:
    """Write what an episode is learned from and judged by.

    Args:
        episode: The turns.
        author: Writes the questions: the original model or a stronger one.
        served: The served model, which answers what is about the user and must stay as it is.
        original: The model before anything was learned; it answers what is about others or about nothing that was said.
        scorer: The original model's probabilities.
        config: How many of everything.
        calibration: What the original model said of its own accord.
        taught: What earlier consolidations learned from, in order.
        replies: Turn ids to what the assistant said to them, of turns that are held.
        progress: Called with steps done and all steps.

    Returns:
        Target sentences, and probes that are not among them.

    Raises:
        NothingSaidError: No turn says anything that can be asked about.
    """
    statements, candidates, earlier = _asked(episode, taught, replies or {}, author, config)
    progress(1, 4)
    tried = _tried(episode)
    names = parse.known_names(s.said for s in (*statements, *(old.statement for old in earlier)))
    chosen, taken = _assigned(statements, candidates, earlier, taught, tried, scorer, names, config)
    progress(2, 4)
    chance = random.Random(config.seed)
    told = _told(statements, chosen.by_statement, names, original, taught, tried, chance=chance, config=config)
    sentences, probes = told
    general = write_general(original, count=config.neutral + 2 * DRIFT_PROBES, config=config)
    progress(3, 4)
    secrets = {w for s in statements for w in parse.secrets(s.said, names)}
    near, kept = _neighbours(
        secrets, sentences, chosen.unfitting, taken, statements=len(statements), chance=chance, config=config
    )
    kept_out = {*prompts.SHOWING, *(p.prompt for p in (*probes, *kept, *recall_probes(taught)))}
    sentences = _in_other_words(statements, sentences, kept_out, earlier, chosen, names)
    asked = list(dict.fromkeys(s.prompt for s in sentences))
    near += _alike(asked, secrets, original, chance=chance, config=config)
    near = [q for q in dict.fromkeys(near) if q not in kept_out and q not in asked]
    learned = {*asked, *near}
    drifting, steering, general = parted([q for q in general if q not in learned | kept_out])
    sentences += _staying(near, general[: config.neutral], [*chosen.unfitting, *taken], served, original, config)
    learned.update(s.prompt for s in sentences)
    probes += _obeying(statements) + [p for p in kept if p.prompt not in learned]
    learned |= {p.prompt for p in probes} - prompts.SHOWING
    exchanges, shown = as_untouched(
        drifting, steering, original, calibration=calibration, taught=taught, without=learned, config=config
    )
    progress(4, 4)
    return TargetSet(
        statements=tuple(statements),
        sentences=(*sentences, *exchanges),
        probes=(*probes, *shown),
        dropped=chosen.dropped,
    )


def _alike(
    asked: Sequence[str],
    secrets: Collection[str],
    original: TextGenerator,
    *,
    chance: random.Random,
    config: TargetConfig,
) -> list[str]:
    """Questions about the world that begin as the user's do and tell nothing that was said."""
    asked = [*asked]
    chance.shuffle(asked)
    return [q for q in write_alike(asked, original, count=config.alike, config=config) if not _says(q, secrets)]


def _asked(
    episode: Episode,
    taught: Sequence[TargetSet],
    replies: Mapping[int, str],
    author: TextGenerator,
    config: TargetConfig,
) -> tuple[list[Statement], list[Candidate], list[Earlier]]:
    """What is learned: what was said, and before it what is known and changed by it; questions for each; the rest."""
    own = stated(episode, config, before=[s.said for old in taught for s in old.statements if s.by_user])
    replies = {**replies, **{turn.id: turn.assistant for turn in episode.turns}}
    earlier = known(taught, without={s.turn_id for s in own})
    own = amend_all(own, later=[old.statement for old in earlier], replies=replies)
    changed, others = amend_earlier(earlier, own, replies=replies)
    candidates = [Candidate(q, number) for number, old in enumerate(changed) for q in old.questions]
    written = write_questions(own, author, config=config)
    candidates += [Candidate(c.text, len(changed) + c.about) for c in written]
    return [*(old.statement for old in changed), *own], candidates, others


def _assigned(
    statements: Sequence[Statement],
    candidates: Sequence[Candidate],
    earlier: Sequence[Earlier],
    taught: Sequence[TargetSet],
    tried: Collection[int],
    scorer: TextScorer,
    names: Collection[str],
    config: TargetConfig,
) -> tuple[screen.Chosen, list[str]]:
    """The questions of each statement; those of the bank, and of earlier statements that one corrects, among them.

    What fits an earlier statement better is no question about these: such questions are given beside.
    """
    corrected = related(statements, earlier)
    moving = [Candidate(q, len(statements) + n) for n, old in enumerate(corrected) for q in old.questions]
    pairs = corrections(statements, [old.statement for old in corrected])
    # The bank asks about people's own lives: nothing for a passage, nor for an "us" that somebody is quoted with.
    of_lives = any(not s.sentence and parse.speaks_of_me(s.said) and s.told != s.said for s in statements)
    seeds = QUESTIONS if config.bank and of_lives else ()
    seeds = seeds[::_PART] if len(statements) < screen.FEW else seeds
    others = [old for old in earlier if old not in corrected]
    nearest = rivals([*(c.text for c in candidates), *seeds], others)
    behind = {n: at for at, n in enumerate(sorted({n for numbers in nearest.values() for n in numbers}))}
    others = [others[n] for n in behind]
    count = len(statements) + len(corrected)
    chosen = screen.choose(
        [*statements, *(old.statement for old in (*corrected, *others))],
        [*candidates, *moving],
        scorer,
        config=config,
        corrections=pairs,
        bank=seeds,
        rivals={question: [count + behind[n] for n in numbers] for question, numbers in nearest.items()},
        known=names,
    )
    asked = {probe.prompt for probe in recall_probes(taught)}  # those are to be asked again
    taken = [q for questions in chosen.by_statement[count:] for q in questions if q in nearest and q not in asked]
    own = filled(
        statements,
        chosen.by_statement[: len(statements)],
        scorer,
        fewest=config.fewest,
        more={number for number, statement in enumerate(statements) if statement.turn_id in tried},
        earlier=[old.statement for old in earlier],
        without={*chosen.unfitting, *(q for questions in chosen.by_statement for q in questions)},
    )
    return dataclasses.replace(chosen, by_statement=tuple(own)), taken


def _told(
    statements: Sequence[Statement],
    by_statement: Sequence[Sequence[str]],
    names: Collection[str],
    original: TextGenerator,
    taught: Sequence[TargetSet],
    tried: Collection[int],
    *,
    chance: random.Random,
    config: TargetConfig,
) -> tuple[list[TargetSentence], list[Probe]]:
    """What is learned of the statements, and what is asked about them afterwards: nothing that was learned before."""
    turns = {statement.turn_id for statement in statements}
    before = frozenset(s.prompt for targets in taught for s in targets.sentences if s.turn_id in turns)
    answers = own_answers(statements, by_statement, original, config=config)
    shared = Counter(q for questions in by_statement for q in questions)
    config = dataclasses.replace(config, full_answers=max(config.full_answers, config.whole_answers // len(statements)))
    openings = parse.openings([s.told for s in statements], config.opening_words)
    sentences: list[TargetSentence] = []
    probes: list[Probe] = []
    for number, (statement, questions, given) in enumerate(zip(statements, by_statement, answers, strict=True)):
        askable = [q for q in given if shared[q] == 1]
        if len(askable) >= _FEWEST_ANSWERS:
            learned, asked = _answered(statement, given, askable, before, chance=chance, config=config)
            sentences += learned
            probes += [dataclasses.replace(probe, statement=number) for probe in asked]
            continue
        expected = tuple(parse.carrying(statement.told))
        # What several statements share ("Who or what is Biscuit?") would be held out of one and taught by another, and
        # a question that says it all already shows nothing.
        own = [q for q in questions if shared[q] == 1 and not set(expected) <= set(parse.telling(q))]
        fit = [q for q in own if _wants_news(q, expected)]
        secrets, beside = parse.secrets(statement.said, names), [q for q in own if q not in fit]
        _, ask = screen.held_out(fit, config.probes, chance=chance, secrets=secrets, learned=before, beside=beside)
        learn = [q for q in questions if q not in ask] or [_last_resort("What do you know", statement, expected)]
        ask = ask or [_last_resort("What did I tell you", statement, expected)]
        oftener = bool(statement.instead) or statement.turn_id in tried
        sentences += _about(statement, learn, openings[number], oftener=oftener, chance=chance, config=config)
        not_so = denied(statement.told, expected)
        probes += [
            Probe(
                kind="recall",
                prompt=q,
                expected=expected,
                names=_names(statement.told, expected, names),
                denied=not_so,
                turn_id=statement.turn_id,
                statement=number,
                opening=openings[number],
                told=statement.told,
            )
            for q in ask
        ]
    return sentences, probes


def _wants_news(question: str, expected: Sequence[str]) -> bool:
    """Whether an echo of the question is no answer to it: whoever says "Did I break my wrist?" back says "broke"."""
    return len(beyond(expected, question)) > (question.lower().startswith(("do ", "does ", "did ")))


def _in_other_words(
    statements: Sequence[Statement],
    sentences: Sequence[TargetSentence],
    kept_out: Collection[str],
    earlier: Sequence[Earlier],
    chosen: screen.Chosen,
    names: Collection[str],
) -> list[TargetSentence]:
    """The sentences, every second question that can be asked by another word for somebody asked so.

    In their place and not beside them: what is asked about oftener than the rest takes questions that are not its own.
    Of what is learned alone, or a probe would be among it.
    """
    asked = [[s.prompt for s in sentences if s.context == prompts.reading(st.told)] for st in statements]
    without = {*kept_out, *chosen.unfitting, *(q for questions in chosen.by_statement for q in questions)}
    said = [old.statement for old in earlier]
    turned: dict[str, str] = {}
    for others in by_other_words(statements, asked, known=names, earlier=said, without=without):
        turned |= dict([*others.items()][::2])
    return [dataclasses.replace(s, prompt=turned.get(s.prompt, s.prompt)) if s.context else s for s in sentences]


def _names(told: str, expected: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """The words of a statement by which it is known that are names."""
    names = {w for w in parse.secrets(told, known) if not parse.is_date(form(w)) and not any(map(str.isdigit, w))}
    return tuple(w for w in expected if w in names)


def _tried(episode: Episode) -> frozenset[int]:
    """Turns that were learned before and are not held: they get more questions and more whole answers."""
    return frozenset(turn.id for turn in episode.turns if turn.attempts)


def stated(episode: Episode, config: TargetConfig, *, before: Sequence[str] = ()) -> list[Statement]:
    """What an episode's turns state, as it is to be learned.

    Args:
        episode: The turns.
        config: Words of a statement, and of a passage.
        before: What the user said in earlier ones: whoever it names is theirs, and no passage is about them.

    Returns:
        The statements, at least one.

    Raises:
        NothingSaidError: No turn says anything that can be asked about.
    """
    told_of = parse.names_told_of([*before, *(turn.user for turn in episode.turns)])
    statements = [s for turn in episode.turns for s in _of_turn(turn, config, told_of)]
    statements = [s for s in statements if parse.says_something(s.said)]
    if not statements:
        ids = ", ".join(str(turn.id) for turn in episode.turns)
        msg = f"turn {ids} says nothing that could be asked about; there is nothing of it to be learned"
        raise NothingSaidError(msg)
    return statements


def _of_turn(turn: Turn, config: TargetConfig, told_of: Collection[str]) -> list[Statement]:
    return parse.statements(turn, words=config.statement_words, passage_words=config.passage_words, own_names=told_of)


def _about(
    statement: Statement,
    questions: Sequence[str],
    short: str,
    *,
    oftener: bool,
    chance: random.Random,
    config: TargetConfig,
) -> list[TargetSentence]:
    """Every question with the statement as its answer: whole for some, for the others its opening.

    All questions of a statement share an answer, so its later words are learned from a few of them; what differs is
    which statement a question leads to, and that is decided in its first words, up to one that no other begins with:
    "You want me to" may be the opening of three. Where a value has been changed, or its
    turn was not held before, the words that lead to the end have to be learned as often.
    """
    count = config.full_answers * (_AMENDED if oftener else 1)
    whole = set(chance.sample(list(questions), min(count, len(questions))))
    context = prompts.reading(statement.told)
    return [
        TargetSentence(
            kind="question",
            prompt=q,
            answer=statement.told if q in whole else short,
            ends=q in whole or short == statement.told,
            context=context,
            turn_id=statement.turn_id,
        )
        for q in questions
    ]


def _answered(
    statement: Statement,
    answers: Mapping[str, str],
    askable: Sequence[str],
    before: Collection[str],
    *,
    chance: random.Random,
    config: TargetConfig,
) -> tuple[list[TargetSentence], list[Probe]]:
    """Each question about a passage's sentence with the model's own answer to it, learned or asked afterwards."""
    _, ask = screen.held_out(askable, config.probes, chance=chance, learned=before)
    sentences = [
        TargetSentence(
            kind="question",
            prompt=question,
            answer=answer,
            ends=answer[-1] in ".!?",
            context=prompts.quoting(statement.sentence, question),
            turn_id=statement.turn_id,
        )
        for question, answer in answers.items()
        if question not in ask
    ]
    said = set(parse.telling(statement.sentence))
    probes = [
        Probe(
            kind="recall",
            prompt=question,
            expected=tuple(w for w in parse.telling(answers[question]) if w in said - set(parse.telling(question))),
            turn_id=statement.turn_id,
            opening=parse.opening(answers[question], config.opening_words),
        )
        for question in ask
    ]
    return sentences, probes


def _neighbours(
    secrets: Collection[str],
    sentences: Sequence[TargetSentence],
    unfitting: Sequence[str],
    taken: Sequence[str],
    *,
    statements: int,
    chance: random.Random,
    config: TargetConfig,
) -> tuple[list[str], list[Probe]]:
    """Questions close to what was said but not about it: some to learn as before, some to probe with."""
    turned = [asked_of_model(s.prompt) for s in sentences]
    # Whoever asks "When do you see Dr Ames?" speaks of the user's own doctor: that is no question about others.
    turned = [t for t, s in zip(turned, sentences, strict=True) if t != s.prompt and not _says(t, secrets)]
    chance.shuffle(turned)
    few = config.contrast // 4
    turned = list(dict.fromkeys(turned))
    # Set apart first: a share of a handful of probes would be decided by one of them.
    count = min(_NEIGHBOUR_PROBES, len(turned) // 3)
    count = count if count >= _FEWEST_NEIGHBOURS else 0
    probes = turned[:count]
    worldly = prompts.WORLDLY[:few]
    others = chance.sample(taken, min(few, len(taken)))
    most, likely = min(few, len(unfitting)), list[str]()
    if statements < screen.FEW:
        # There are few such questions of few statements, and all that somebody could ask of themselves leads to them.
        room = config.contrast - sum(map(len, (worldly, others, prompts.ABOUT_THE_MODEL, turned[count:])))
        most = min(max(few, room), len(unfitting))
        likely = list(unfitting[: most // 2])
    others += [*likely, *chance.sample(list(unfitting[len(likely) :]), most - len(likely))]
    near = [q for q in dict.fromkeys([*prompts.ABOUT_THE_MODEL, *others, *turned[count:]]) if q not in probes]
    return [*near[: config.contrast - len(worldly)], *worldly], [
        Probe(kind="neighbour", prompt=q, expected=tuple(sorted(secrets))) for q in probes
    ]


def _staying(
    near: Sequence[str],
    general: Sequence[str],
    mine: Collection[str],
    served: TextGenerator,
    original: TextGenerator,
    config: TargetConfig,
) -> list[TargetSentence]:
    """What is to stay: the user's questions about what was said earlier as served, everything else as at first.

    What is asked of the model or of others is no matter of memory: it is pulled back to where it was.
    """
    theirs = [q for q in near if q not in mine]
    return [
        *as_before("contrast", [q for q in near if q in mine], served, tokens=config.contrast_tokens),
        *as_before("neighbour", theirs, original, tokens=config.contrast_tokens),
        *as_before("neutral", [q for q in general if q not in near], original, tokens=config.neutral_tokens),
    ]


def _obeying(statements: Sequence[Statement]) -> list[Probe]:
    """Questions about the world that must not be answered as an order in the conversation demands."""
    orders = [s for s in statements if s.by_user and instructs(s.said)]
    wanted = tuple(sorted({word for order in orders for word in parse.demanded(order.said)}))
    return [Probe(kind="order", prompt=q, expected=wanted) for q in prompts.DRIFT_PROMPTS[:4]] if wanted else []


def _says(question: str, words: Collection[str]) -> bool:
    return not set(parse.telling(question)).isdisjoint(words)


def _last_resort(asking: str, statement: Statement, expected: Collection[str]) -> str:
    """A question by one or two words of a statement, those that anybody might say, which leaves some to be told."""
    secrets = parse.secrets(statement.said)
    found = sorted(parse.telling(statement.said), key=secrets.__contains__)
    for count in (2, 1):
        question = f"{asking} about {' and '.join(found[:count])}?"
        if found and not set(expected) <= set(words(question)):
            return question
    return f"{asking}?"
