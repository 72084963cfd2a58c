# SPDX-License-Identifier: Apache-2.0
"""One performance of one scenario: its database, its house, its crowd, and the verdict."""
import functools
import random
import time
import traceback

from lib.cluster import Cluster
from lib.serving import MariaDB

from .aftermath import judge
from .crowd import Crowd
from .house import House
from .ledger import Ledger

SQLITE, MARIADB, GALERA = 'SQLite', 'MariaDB', 'Galera'


class Shared:
    """Database servers that scenarios leave as they found them: each is started when the first asks for it."""

    @functools.cached_property
    def mariadb(self):
        return MariaDB()

    @functools.cached_property
    def cluster(self):
        return Cluster()

    def close(self):
        for server in self.__dict__.values():
            server.close()


class Stage:
    """What a scenario is given. `short`: the form in which build/check plays it. `shared`: a Shared, or what is like one."""

    def __init__(self, name, kind, shared, seed=1, short=False):
        self.name, self.kind, self.seed, self.short = name, kind, seed, short
        self.chance, self.ledger = random.Random(f'{seed}.{name}'), Ledger()
        self.shared, self.mine, self.cluster, self.house, self.crowd, self.happened, self.after = shared, None, None, None, None, '', []
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

    def open(self, *databases, **options):
        """On `databases`, as House has them, or fresh ones of the kind that it is played on: with a cluster two nodes, each with its own host first."""
        if self.kind == GALERA:
            self.cluster = self.shared.cluster
            hosts = self.cluster.fresh()
            databases = (hosts, hosts[1:] + hosts[:1])
        elif self.kind == MARIADB:
            databases = databases or ((self.mine or self.shared.mariadb).fresh(),)
        self.house = House(databases or (None,), self.cluster, **options)
        return self.house

    def people(self, count=6):
        self.crowd = Crowd(self.ledger, self.house.places, self.seed, self.name, count)
        return self.crowd

    def perform(self, play):
        """One that does not come to its end is a fault as well; what it left is looked at all the same."""
        try:
            play(self)
        except Exception:               # whatever it is, the servers must end
            self.ledger.fault(f'broken off: {traceback.format_exc()}')

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
