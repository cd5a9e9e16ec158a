"""What is measured: works, and those who do them."""

from dataclasses import dataclass
from typing import Callable, Iterator

from ground import Ground
from measure import Attempt
from peers import Either, Program


@dataclass
class Contestant:
    """One way to do a work."""

    name: str
    # Prepares, unmeasured, and yields what is then measured; again and again.
    attempts: Callable[[Ground], Iterator[Attempt]]
    needs: tuple[Program | Either, ...] = ()


@dataclass
class Work:
    """Several ways to the same image. The first is ours; the others' files are held against its."""

    title: str
    contestants: list[Contestant]
    set_up: Callable[[Ground], None] = lambda ground: None
    before_round: Callable[[Ground, int], None] = lambda ground, number: None
    # Runs that are not counted. Where something is to be known already, the first of them is how it is learned.
    warm_ups: int = 1
    least_rounds: int = 1
