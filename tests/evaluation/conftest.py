import pytest


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    # After the main conftest has made Django ready: these fixtures speak of models.
    config.pluginmanager.import_plugin("tests.evaluation_world")
