# SPDX-License-Identifier: Apache-2.0
"""Galera's nodes die below two of ours: each of ours has its own for a first host, and knows the others."""
from lib.serving import wait_for

from .databases import TOLD, until_told

AS_ONE = "SET GLOBAL wsrep_provider_options='pc.bootstrap=YES'"     # what Galera's manual has its operator say to the one that is left


def node(stage):
    """kill -9 of one Galera node and its return, one after the other: two are left, and both of ours go on by themselves."""
    house = stage.open()
    house.expect_log(TOLD)
    with stage.people() as crowd:
        for number in stage.chance.sample((1, 2, 3), stage.times(3, 1)):
            crowd.meet(60)
            stage.cluster.tool('kill', number)
            crowd.meet(100)                     # with two of three
            stage.cluster.tool('start', number)
            crowd.meet(60)
    wait_for(stage.cluster.is_whole, 60, 0.2)
    stage.happened = 'each killed once, and back'


def quorum(stage):
    """kill -9 of two Galera nodes at once: the third may not go on alone, everybody is told to come back, until its operator says it may."""
    house, rounds = stage.open(), stage.times(2, 1)
    house.expect_log(TOLD)
    with stage.people() as crowd:
        for _ in range(rounds):
            crowd.meet(60)
            left, *lost = stage.chance.sample((1, 2, 3), 3)
            for number in lost:
                stage.cluster.tool('kill', number)
            until_told(crowd, 20)
            stage.cluster.query(left, AS_ONE)
            crowd.meet(60)
            for number in lost:
                stage.cluster.tool('start', number)
            crowd.meet(60)
    wait_for(stage.cluster.is_whole, 60, 0.2)
    stage.happened = f'{rounds} times two of three killed, and back'
