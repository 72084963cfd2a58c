# SPDX-License-Identifier: Apache-2.0
"""What there is to break."""
import collections

from . import addresses, databases, processes
from .stage import MARIADB, SQLITE, Stage

Scenario = collections.namedtuple('Scenario', 'play kinds')
BOTH = (SQLITE, MARIADB)

SCENARIOS = {
    'children': Scenario(processes.children, BOTH),
    'parent': Scenario(processes.parent, BOTH),
    'restarts': Scenario(processes.restarts, BOTH),
    'addresses': Scenario(addresses.addresses, BOTH),
    'killed': Scenario(databases.killed, (MARIADB,)),
    'frozen': Scenario(databases.frozen, (MARIADB,)),
    'slow': Scenario(databases.slow, (MARIADB,)),
    'full': Scenario(databases.full, (SQLITE,)),
}


def play(name, kind, seed=1, short=False, shared=None):
    """A Stage after the last curtain: .line tells all of it, .faults what is wrong."""
    stage = Stage(name, kind, seed, short, shared)
    try:
        SCENARIOS[name].play(stage)
        stage.faults = stage.verdict()
    finally:
        stage.close()
    ledger = stage.ledger
    seen = f'; {stage.crowd.seen}' if stage.crowd else ''
    stage.line = (f'{name:10} {kind:8} {stage.happened}{seen}; {len(ledger.accounts)} accounts, {len(ledger.sessions)} sessions, '
                  f'{ledger.count("ended")} ended; itself again after {stage.back:.1f} s; {stage.took:.0f} s: {"FAULTS" if stage.faults else "holds"}')
    return stage
