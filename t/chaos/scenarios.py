# SPDX-License-Identifier: Apache-2.0
"""What there is to break."""
import collections

from . import addresses, clocks, cluster, databases, processes, strangers
from .stage import GALERA, MARIADB, SQLITE, Stage

Scenario = collections.namedtuple('Scenario', 'play kinds')
BOTH = (SQLITE, MARIADB)

SCENARIOS = {
    'children': Scenario(processes.children, BOTH),
    'parent': Scenario(processes.parent, BOTH),
    'restarts': Scenario(processes.restarts, BOTH),
    'addresses': Scenario(addresses.addresses, (*BOTH, GALERA)),
    'killed': Scenario(databases.killed, (MARIADB,)),
    'cut': Scenario(databases.cut, (MARIADB,)),
    'frozen': Scenario(databases.frozen, (MARIADB,)),
    'slow': Scenario(databases.slow, (MARIADB,)),
    'full': Scenario(databases.full, (SQLITE,)),
    'clock': Scenario(clocks.clock, BOTH),
    'flood': Scenario(strangers.flood, BOTH),
    'slowloris': Scenario(strangers.slowloris, BOTH),
    'node': Scenario(cluster.node, (GALERA,)),
    'quorum': Scenario(cluster.quorum, (GALERA,)),
}


def play(name, kind, shared, seed=1, short=False):
    """A Stage after the last curtain: .line tells all of it, .faults what is wrong."""
    stage = Stage(name, kind, shared, seed, short)
    try:
        stage.perform(SCENARIOS[name].play)
        stage.faults = stage.verdict()
    finally:
        stage.close()
    ledger = stage.ledger
    seen = f'; {stage.crowd.seen}' if stage.crowd else ''
    stage.line = (f'{name:10} {kind:8} {stage.happened}{seen}; {len(ledger.accounts)} accounts, {len(ledger.sessions)} sessions, '
                  f'{ledger.count("ended")} ended; itself again after {stage.back:.1f} s; {stage.took:.0f} s: {"FAULTS" if stage.faults else "holds"}')
    return stage
