from datetime import datetime, timedelta, timezone

import pytest

from langchain_selfparam.errors import ConfigError
from langchain_selfparam.store.tables import namespace_from, namespace_text, time_text


@pytest.mark.parametrize("namespace", [("a",), ("memories", "Ana"), ('q"uote', "a, b", "é\n", "../x", "\ud800")])
def test_a_namespace_is_read_back_as_it_was(namespace):
    assert namespace_from(namespace_text(namespace)) == namespace


def test_namespaces_that_look_alike_when_joined_differ():
    assert namespace_text(("a", "b")) != namespace_text(("a, b",)) != namespace_text(('a", "b',))


@pytest.mark.parametrize(
    ("namespace", "found"),
    [
        ((), r"\(\)"),
        (("a", ""), r"\('a', ''\)"),
        ("ana", "'ana'"),
        (("a", 3), r"\('a', 3\)"),
        (["a"], r"\['a'\]"),
        (None, "None"),
    ],
)
def test_a_namespace_that_is_none_is_refused(namespace, found):
    with pytest.raises(ConfigError, match=rf"namespace is {found}; it has to be a tuple of one or more"):
        namespace_text(namespace)


def test_times_are_written_in_utc_and_sort_as_they_are():
    zone = timezone(timedelta(hours=5, minutes=30))
    early, late = datetime(2025, 3, 1, 17, 30, tzinfo=zone), datetime(2025, 3, 1, 12, 0, 0, 1, timezone.utc)
    assert time_text(early) == "2025-03-01T12:00:00.000000+00:00"
    assert time_text(early) < time_text(late)
    assert datetime.fromisoformat(time_text(early)) == early


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ConfigError, match=r"lease is datetime\.datetime\(2025, 3, 1, 0, 0\); it has to have a"):
        time_text(datetime(2025, 3, 1), name="lease")
