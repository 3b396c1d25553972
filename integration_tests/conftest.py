"""What the tests with the default model share."""

import pytest

from langchain_selfparam.loading import WHEEL_NAME, load


def _loaded():
    try:
        return load(WHEEL_NAME)
    except ImportError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def default_model():
    """The default model, where its wheel is installed; for tests that leave it as it is."""
    return _loaded()


@pytest.fixture
def own_model():
    """The default model, loaded for one test alone."""
    return _loaded()
