# SPDX-License-Identifier: Apache-2.0
"""Clocks that jump."""
from .ledger import ENDED

JUMPS = (540, -540, 5, -5, 3300, -3600, 240)        # seconds: less than a flow, as much as a session that may change things, and back
LIFESPAN = 24 * 3600


def clock(stage):
    """
    The clock jumps to and fro, by up to an hour. What was put off while it was ahead waits until it is that time again; a lease ends early
    when it jumps, so that a letter which is under way may be sent again. In the end it is a day later: every session has run out.
    """
    house, furthest, jumps = stage.open(clock=True), 0, stage.chance.sample(JUMPS, stage.times(len(JUMPS), 4))
    clock = house.server.clock
    with stage.people() as crowd:
        crowd.ages = True
        for jump in jumps:
            crowd.meet(40)
            clock.forward(jump)
            furthest = max(furthest, clock.ahead)
        crowd.meet(40)
    stage.may_come_twice = lambda: len(jumps) * len(house.server.httpd()[1:])
    stage.happened = f'{len(jumps)} jumps, {furthest} s ahead at the most, then a day'
    clock.forward(furthest - clock.ahead)
    stage.ledger.faults += stage.verdict_so_far()
    clock.forward(LIFESPAN + 1)
    for session in stage.ledger.sessions:
        session.state = ENDED
