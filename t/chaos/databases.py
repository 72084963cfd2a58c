# SPDX-License-Identifier: Apache-2.0
"""Databases that die, freeze, are slow, or have no room."""
import os
import shutil
import signal
import subprocess

from lib.proxy import Proxy
from lib.serving import scratch, wait_for

TOLD = 'KR04|KR1208|KR1220|KR0001|kratos:error'      # what a node says whose database is away
DISK = 24 << 20                                      # bytes: where SQLite's file is, until there is no room


def killed(stage):
    """kill -9 of the database in the middle of transactions, and its start."""
    mariadb = stage.own_mariadb()
    house, rounds = stage.open(), stage.times(5, 1)
    house.expect_log(TOLD)
    with stage.people() as crowd:
        for _ in range(rounds):
            crowd.meet(40)
            mariadb.kill()
            until_told(crowd)
            mariadb.start()
            crowd.meet(40)
    stage.happened = f'{rounds} times killed and started again'


def until_told(crowd, more=3):
    """Until somebody else noticed: some are told to come back."""
    enough = crowd.seen.statuses[503] + more
    wait_for(lambda: crowd.died or crowd.seen.statuses[503] >= enough, 30)


def cut(stage):
    """Connections to the database are cut, again and again: all at once, or one before or after its COMMIT arrived, whose answer is lost."""
    mariadb, rounds = stage.shared.mariadb, stage.times(30, 9)
    proxy = Proxy(mariadb, mariadb.fresh())
    stage.at_end(proxy.close)
    house = stage.open(proxy.params)
    house.expect_log(TOLD)
    with stage.people() as crowd:
        for number in range(rounds):
            crowd.meet(20)
            if number % 3 == 0:
                proxy.cut()
            else:
                broken = proxy.break_at('COMMIT', delivered=number % 3 == 1)
                wait_for(lambda: broken.is_set() or crowd.died)     # noqa: B023
        crowd.meet(20)
    stage.happened = f'{rounds} cuts, of which {rounds - rounds // 3} at COMMIT'


def frozen(stage):
    """SIGSTOP of the database until people are told to come back, and SIGCONT."""
    mariadb = stage.own_mariadb(tcp=True)
    house, rounds = stage.open(), stage.times(4, 1)
    house.expect_log(TOLD)
    with stage.people() as crowd:
        for _ in range(rounds):
            crowd.meet(60)
            os.kill(mariadb.pid(), signal.SIGSTOP)
            try:
                until_told(crowd)
            finally:
                os.kill(mariadb.pid(), signal.SIGCONT)
            crowd.meet(60)
    stage.happened = f'{rounds} times stopped'


def slow(stage):
    """Each answer of the database takes a tenth of a second: all is slow, and nobody is turned away."""
    mariadb = stage.own_mariadb()
    proxy = Proxy(mariadb, mariadb.fresh())
    stage.at_end(proxy.close)
    stage.open(proxy.params)
    with stage.people() as crowd:
        crowd.meet(30)
        proxy.delay = 0.1
        crowd.meet(stage.times(200, 60))
        proxy.delay = 0
        crowd.meet(30)
    if crowd.seen.statuses[503]:
        stage.ledger.fault(f'{crowd.seen.statuses[503]} were told to come back')
    stage.happened = 'a tenth of a second for each answer'


class Disk:
    """
    A place for SQLite's file that can be full: a file system of its own where we may mount one, or else httpd's processes, which may make
    files no longer than they are.
    """

    def __init__(self):
        self.dir = scratch('disk')
        self.place = self.dir / 'data'
        self.place.mkdir()
        self.mounted = os.geteuid() == 0 and not subprocess.run(
            ['mount', '-t', 'tmpfs', '-o', f'size={DISK},mode=777', 'none', self.place], stderr=subprocess.DEVNULL).returncode
        (self.dir / 'kratos.sqlite').symlink_to(self.place / 'kratos.sqlite')

    def fill(self, house):
        if self.mounted:
            with open(self.place / 'filler', 'wb', buffering=0) as file:
                try:
                    while file.write(bytes(4096)):
                        pass
                except OSError:
                    pass
        else:
            self.limit(house, 4096)

    def empty(self, house):
        if self.mounted:
            (self.place / 'filler').unlink()
        else:
            self.limit(house, 'unlimited')

    def limit(self, house, most):
        for pid in house.server.httpd():
            subprocess.run(['prlimit', f'--pid={pid}', f'--fsize={most}:unlimited'], check=True)

    def close(self):
        if self.mounted:
            subprocess.run(['umount', self.place], check=True)
        shutil.rmtree(self.dir, ignore_errors=True)


def full(stage):
    """No room on the disk of SQLite's file, and then there is again."""
    disk, rounds = Disk(), stage.times(4, 1)
    stage.at_end(disk.close)
    house = stage.open(dir=disk.dir)
    house.expect_log(TOLD)
    with stage.people() as crowd:
        for _ in range(rounds):
            crowd.meet(60)
            disk.fill(house)
            until_told(crowd, 10)
            disk.empty(house)
            crowd.meet(60)
    stage.happened = f'{rounds} times full ({"ENOSPC" if disk.mounted else "EFBIG"})'
