# SPDX-License-Identifier: Apache-2.0
"""Processes of httpd that die, and that are replaced."""
import signal

from lib.serving import wait_for


def children(stage):
    """kill -9 of a child, again and again."""
    house = stage.open()
    with stage.people() as crowd:
        for _ in range(stage.times(20, 5)):
            crowd.meet(30)
            house.kill(house.server, stage.chance.choice(wait_for(lambda: house.server.httpd()[1:])))
        crowd.meet(30)
    stage.happened = f'{house.killed} children killed'


def parent(stage):
    """kill -9 of the parent, whose children go on by themselves; then of them, and a new httpd on the same data."""
    house, rounds = stage.open(), stage.times(4, 1)
    with stage.people() as crowd:
        for _ in range(rounds):
            crowd.meet(60)
            first, *others = house.server.httpd()
            house.kill(house.server, first)
            house.server.proc.wait()
            crowd.meet(30)                      # without a parent
            house.kill(house.server, *others)
            house.start_again(house.server)
            crowd.meet(60)
    stage.happened = f'{rounds} times killed and started anew'


def restarts(stage):
    """Graceful restarts in a row: no request may fail."""
    house, rounds = stage.open(), stage.times(20, 6)
    with stage.people() as crowd:
        for number in range(1, rounds + 1):
            crowd.meet(15)
            house.server.proc.send_signal(signal.SIGUSR1)
            wait_for(lambda: house.server.log().count('resuming normal operations') > number)   # noqa: B023
        crowd.meet(30)
    seen = crowd.seen
    if seen.lost or seen.unsent or seen.statuses[503]:
        stage.ledger.fault(f'requests failed: {seen}')
    stage.happened = f'{rounds} restarts'
