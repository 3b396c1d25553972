"""Settings: what is out of range or unknown is refused with the name, what was found and what is needed."""

import dataclasses
import math

import pytest

from langchain_selfparam import config
from langchain_selfparam.config import PolicyConfig, Settings, TargetConfig, TrainingConfig, VerifyConfig
from langchain_selfparam.errors import ConfigError

FINITE_OR_NONE = "above 0 and finite, or None"
ONE, NONE_OR_ONE, ZERO, FINITE, SHARE = (
    "at least 1",
    "at least 1, or None",
    "0 or more",
    "above 0 and finite",
    "from 0 to 1",
)
OUT_OF_RANGE = [
    (PolicyConfig, "every_turns", 0, NONE_OR_ONE),
    (PolicyConfig, "every_tokens", -3, NONE_OR_ONE),
    (PolicyConfig, "max_turns", 0, ONE),
    (PolicyConfig, "max_tokens", 0, NONE_OR_ONE),
    (PolicyConfig, "max_statements", 0, NONE_OR_ONE),
    (PolicyConfig, "max_attempts", 0, ONE),
    (PolicyConfig, "lease_seconds", 0.0, "above 0 seconds"),
    *((PolicyConfig, "after_seconds", value, "0 or more seconds, and finite") for value in (-1, math.inf, math.nan)),
    *(
        (PolicyConfig, "quiet_hours", value, "two different times such as '22:00-06:30', or None")
        for value in ("22-6", "22:00", "24:00-06:00", "06:00-06:60", "06:00-06:00")
    ),
    (PolicyConfig, "quiet_hours", 22, "text or None"),
    (TrainingConfig, "rank", 0, ONE),
    (TrainingConfig, "epochs", 0, ONE),
    (TrainingConfig, "batch_tokens", -1, ONE),
    (TrainingConfig, "alpha", 0.0, FINITE),
    (TrainingConfig, "alpha", math.nan, FINITE),
    (TrainingConfig, "learning_rate", -1e-3, FINITE_OR_NONE),
    (TrainingConfig, "learning_rate", math.inf, FINITE_OR_NONE),
    (TrainingConfig, "step_drift", 0, FINITE),
    (TrainingConfig, "step_drift", math.nan, FINITE),
    (TrainingConfig, "clip", 0, FINITE),
    (TrainingConfig, "warmup", 1, "from 0 to below 1"),
    (TrainingConfig, "warmup", -0.1, "from 0 to below 1"),
    (TrainingConfig, "frozen_share", 1.0, "from 0 to below 1"),
    (TrainingConfig, "frozen_share", math.nan, "from 0 to below 1"),
    (TrainingConfig, "stop_kl", -0.1, "0 or more nats per token"),
    (TrainingConfig, "keep_weight", -0.5, ZERO),
    (TrainingConfig, "earlier_weight", -0.1, "0 or more, and finite"),
    (TrainingConfig, "earlier_weight", float("inf"), "0 or more, and finite"),
    *((TrainingConfig, "damping", value, "above 0 and finite, or None") for value in (0, -1.0, math.inf, math.nan)),
    (TrainingConfig, "layers", "some", "'mlp' or 'all'"),
    (TargetConfig, "form", "poems", "'facts' or 'replies'"),
    *((TargetConfig, "reply_share", value, SHARE) for value in (-0.1, 1.1, math.nan)),
    *((TargetConfig, "answer_floor", value, "from 0 to below 1") for value in (-0.1, 1.0, math.nan)),
    (TrainingConfig, "drift", 0, "above 0 and finite, or None"),
    (TrainingConfig, "patience", -1, "0 or more seconds, and finite"),
    (TrainingConfig, "patience", float("inf"), "0 or more seconds, and finite"),
    *((TargetConfig, name, 0, ONE) for name in ("samples", "max_question_tokens", "questions", "opening_words")),
    *(
        (TargetConfig, name, 0, ONE)
        for name in (
            "statement_words",
            "passage_words",
            "own_answer_tokens",
            "probes",
            "contrast_tokens",
            "neutral_tokens",
            "calibration_tokens",
        )
    ),
    *(
        (TargetConfig, name, -1, ZERO)
        for name in (
            "bank",
            "fewest",
            "full_answers",
            "whole_answers",
            "contrast",
            "alike",
            "neutral",
            "exchanges",
            "calibration",
            "replay",
            "temperature",
            "margin",
        )
    ),
    (VerifyConfig, "max_drift", 0.0, "above 0 nats per token"),
    (VerifyConfig, "max_total_drift", 0.0, "above 0 nats per token"),
    (VerifyConfig, "hold", 1.01, SHARE),
    (VerifyConfig, "hold", -0.01, SHARE),
    (VerifyConfig, "max_neighbours_wrong", 2, SHARE),
    (VerifyConfig, "shrink", 1.0, "between 0 and 1"),
    (VerifyConfig, "shrink", 0.0, "between 0 and 1"),
    (VerifyConfig, "max_shrinks", -1, ZERO),
    (VerifyConfig, "answer_tokens", 0, ONE),
    (VerifyConfig, "earlier", -1, ZERO),
]
STAGES = {"policy": PolicyConfig, "targets": TargetConfig, "training": TrainingConfig, "verify": VerifyConfig}


@pytest.mark.parametrize(
    ("stage", "name", "value", "needed"),
    [
        (PolicyConfig, "every_turns", "8", "a whole number or None"),
        (PolicyConfig, "max_turns", 2.5, "a whole number"),
        (TrainingConfig, "rank", True, "a whole number"),
        (TrainingConfig, "compiled", "False", "True or False"),
        (TrainingConfig, "compiled", 1, "True or False"),
        (TrainingConfig, "learning_rate", "2e-3", "a number or None"),
        (TrainingConfig, "step_drift", None, "a number"),
        (TrainingConfig, "damping", "0.1", "a number or None"),
    ],
)
def test_the_wrong_kind_is_refused_by_name(stage, name, value, needed):
    with pytest.raises(ConfigError, match=rf"^{name} is {value!r}; it has to be {needed}$"):
        stage(**{name: value})


def test_whole_numbers_do_where_numbers_are_wanted():
    assert TrainingConfig(learning_rate=1, damping=1).learning_rate == 1


@pytest.mark.parametrize(("stage", "name", "value", "needed"), OUT_OF_RANGE)
def test_out_of_range_is_refused_by_name(stage, name, value, needed):
    with pytest.raises(ConfigError, match=rf"^{name} is {value!r}; it has to be {needed}$"):
        stage(**{name: value})
    section = next(key for key, known in STAGES.items() if known is stage)
    with pytest.raises(ConfigError, match=rf"^{name} is {value!r}; it has to be {needed}$"):
        Settings.from_mapping({section: {name: value}})


def test_every_number_has_a_range():
    free = {"seed", "compiled"}
    checked = {(stage, name) for stage, name, *_ in OUT_OF_RANGE}
    for stage in STAGES.values():
        for field in dataclasses.fields(stage):
            assert field.name in free or (stage, field.name) in checked, f"{stage.__name__}.{field.name}"


@pytest.mark.parametrize(
    ("stage", "values"),
    [
        (PolicyConfig, {"every_turns": None, "every_tokens": None, "max_turns": 1, "max_attempts": 1}),
        (PolicyConfig, {"every_turns": 1, "every_tokens": 1, "lease_seconds": 0.001}),
        (TrainingConfig, {"rank": 1, "epochs": 1, "batch_tokens": 1, "warmup": 0, "frozen_share": 0, "stop_kl": 0}),
        (TrainingConfig, {"warmup": 0.999, "frozen_share": 0.999, "alpha": 1e-9, "seed": -5}),
        (
            TargetConfig,
            {"bank": 0, "full_answers": 0, "contrast": 0, "neutral": 0, "replay": 0, "temperature": 0, "margin": 0},
        ),
        (VerifyConfig, {"hold": 0, "max_neighbours_wrong": 0, "max_shrinks": 0, "max_drift": 1e-9, "earlier": 0}),
        (VerifyConfig, {"hold": 1, "max_neighbours_wrong": 1}),
    ],
)
def test_the_edges_are_in_range(stage, values):
    found = stage(**values)
    assert {name: getattr(found, name) for name in values} == values


def test_settings_are_made_from_nested_mappings():
    found = Settings.from_mapping({"training": {"rank": 3, "seed": 5}, "policy": {"every_turns": None}})
    assert found == Settings(training=TrainingConfig(rank=3, seed=5), policy=PolicyConfig(every_turns=None))
    assert Settings.from_mapping({}) == Settings()
    whole = {name: dataclasses.asdict(getattr(found, name)) for name in STAGES}
    assert Settings.from_mapping(whole) == found


@pytest.mark.parametrize(
    ("mapping", "text"),
    [
        ({"trainings": {}}, r"^'trainings' is not a stage; did you mean 'training'\?$"),
        ({"zzz": {}}, r"^'zzz' is not a stage; known: policy, targets, training, verify$"),
        ({"training": {"ranks": 3}}, r"^'ranks' is not a setting of TrainingConfig; did you mean 'rank'\?$"),
        ({"verify": {"max_drfit": 1}}, r"^'max_drfit' is not a setting of VerifyConfig; did you mean 'max_drift'\?$"),
        (
            {"policy": {"zzz": 1}},
            r"^'zzz' is not a setting of PolicyConfig; "
            r"known: after_seconds, every_tokens, every_turns, lease_seconds, max_attempts, max_statements, "
            r"max_tokens, max_turns, quiet_hours$",
        ),
    ],
)
def test_unknown_names_are_refused_with_the_nearest_known_one(mapping, text):
    with pytest.raises(ConfigError, match=text):
        Settings.from_mapping(mapping)


@pytest.mark.parametrize("stage", [*STAGES.values(), Settings])
def test_settings_are_frozen_values_by_keyword(stage):
    found = stage()
    name = dataclasses.fields(stage)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError, match=f"cannot assign to field '{name}'"):
        setattr(found, name, None)
    with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
        stage(1)
    assert found == stage()
    assert hash(found) == hash(stage())
    assert not hasattr(found, "__dict__")


@pytest.mark.parametrize("stage", STAGES.values())
def test_every_setting_says_its_unit_below_it(stage):
    import ast
    import inspect

    body = ast.parse(inspect.getsource(stage)).body[0].body
    fields = [at for at, node in enumerate(body) if isinstance(node, ast.AnnAssign)]
    bare = [
        body[at].target.id
        for at in fields
        if not (isinstance(body[at + 1], ast.Expr) and isinstance(getattr(body[at + 1].value, "value", None), str))
    ]
    assert bare in ([], ["seed"])


def test_build_makes_one_stage():
    assert config.build(VerifyConfig, {"hold": 0.25}) == VerifyConfig(hold=0.25)
