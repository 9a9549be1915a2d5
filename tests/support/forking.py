"""Processes that begin with the program loaded, and nothing of the test."""

import multiprocessing
from multiprocessing.context import ForkServerContext

PRELOADED = ["tests.support.dying", "tests.support.commands"]
"""What runs in them: there is one server that forks, and it loads these when it starts."""


def forking() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context
