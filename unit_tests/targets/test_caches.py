"""What was read of users' texts is let go of, in whichever module of this room it is kept."""

import importlib
import inspect
import pkgutil

from langchain_selfparam import targets
from langchain_selfparam.targets import caches

TEXT = "My piano lesson has moved from Tuesday to Friday."


def caching():
    """Every function of this room that keeps what it was given."""
    modules = [importlib.import_module(f"{targets.__name__}.{m.name}") for m in pkgutil.iter_modules(targets.__path__)]
    found = {f"{module.__name__}.{name}": value for module in modules for name, value in vars(module).items()}
    return {name: value for name, value in found.items() if hasattr(value, "cache_info")}


def filled(cache):
    kinds = [parameter.annotation for parameter in inspect.signature(cache).parameters.values()]
    cache(*({"str": TEXT, "int": 1}[kind] for kind in kinds))
    return cache.cache_info().currsize


def test_no_cache_of_this_room_is_passed_over():
    found = caching()
    assert len({id(cache) for cache in found.values()}) >= 8
    assert {name: filled(cache) > 0 for name, cache in found.items()} == dict.fromkeys(found, True)
    caches.clear()
    assert {name: cache.cache_info().currsize for name, cache in found.items()} == dict.fromkeys(found, 0)
