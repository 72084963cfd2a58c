# SPDX-License-Identifier: Apache-2.0
"""One performance of one scenario: its database, its house, its crowd, and the verdict."""
import random
import time

from lib.serving import MariaDB

from .aftermath import judge
from .crowd import Crowd
from .house import House
from .ledger import Ledger

SQLITE, MARIADB, GALERA = 'SQLite', 'MariaDB', 'Galera'


class Stage:
    """
    What a scenario is given. `short`: the form in which build/check plays it. `shared`: a MariaDB that is there already, for scenarios
    that leave the server alone.
    """

    def __init__(self, name, kind, seed=1, short=False, shared=None):
        self.name, self.kind, self.seed, self.short = name, kind, seed, short
        self.chance, self.ledger = random.Random(f'{seed}.{name}'), Ledger()
        self.shared, self.mine, self.house, self.crowd, self.happened, self.after = shared, None, None, None, '', []
        self.may_come_twice = lambda: self.house.killed
        self.began = time.monotonic()

    def times(self, long, short):
        """How often something is done."""
        return short if self.short else long

    # -- what it is played on --------------------------------------------------------

    def own_mariadb(self, **options):
        """A server that the scenario may do anything to."""
        self.mine = MariaDB(**options)
        return self.mine

    def database(self):
        """An empty one: what build/serve wants after --db."""
        if self.kind == SQLITE:
            return None
        return (self.mine or self.shared or self.own_mariadb()).fresh()

    def open(self, *databases, **options):
        self.house = House(databases or (self.database(),), **options)
        return self.house

    def people(self, count=6):
        self.crowd = Crowd(self.ledger, self.house.places, self.seed, self.name, count)
        return self.crowd

    # -- the verdict ---------------------------------------------------------------

    def verdict_so_far(self):
        """What is wrong, in words; nothing, where all holds."""
        return self.ledger.faults + judge(self.house, self.ledger, self.may_come_twice())

    def verdict(self):
        """The same, and what the logs hold that nobody announced; then it is closed."""
        faults = self.verdict_so_far()
        self.back = self.house.back
        faults += [f'error log: {line}' for line in self.close()]
        self.took = time.monotonic() - self.began
        return faults

    def at_end(self, call):
        """Called once the house is closed."""
        self.after.append(call)

    def close(self):
        """Ends everything that it began."""
        left = self.house.close() if self.house else []
        self.house = None
        while self.after:
            self.after.pop()()
        if self.mine:
            self.mine.close()
            self.mine = None
        return left
