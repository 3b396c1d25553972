"""What the tests with the default model share."""

import pytest

from langchain_selfparam.loading import WHEEL_NAME, load


@pytest.fixture
def own_model():
    """The default model, loaded for one test alone, where its wheel is installed."""
    try:
        return load(WHEEL_NAME)
    except ImportError as error:
        pytest.skip(str(error))
