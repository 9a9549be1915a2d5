import multiprocessing

import pytest

from tests.support.opening import open_often

pytestmark = pytest.mark.system

PROCESSES = 4
TIMES = 50


@pytest.mark.one_database
def test_processes_that_open_the_database_at_once_wait_for_each_other(database_url: str) -> None:
    """OPS-1: the first one recovers SQLite's log alone; the others start all the same."""
    path = database_url.removeprefix("sqlite:///")
    context = multiprocessing.get_context("forkserver")
    processes = [context.Process(target=open_often, args=(path, TIMES)) for _ in range(PROCESSES)]

    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0] * PROCESSES
