#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What mail costs, on both databases, each figure against its bar. About two minutes.

    build/bench mail
    build/bench mail --database mariadb --mails 20000

A submit that queues a mail against one that does not; how fast a full queue goes into a local sink, and in how much memory;
how soon a mail leaves after the answer; what an idle courier uses. Exit status 1 when a bar is missed.
"""
import argparse
import random
import statistics
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib import timing  # noqa: E402
from lib.account import account  # noqa: E402
from lib.figures import missed, say  # noqa: E402
from lib.serving import MariaDB, Server, free_port, scratch, wait_for  # noqa: E402
from lib.settings import base, merge, nested  # noqa: E402
from lib.sink import Sink, SinkApart, letters, queued_by  # noqa: E402

SLOWER = 1.15       # at most so many times as slow is a submit that queues a mail
DRAIN = 200         # mails a second and node, at least
GROWTH = 1024       # KiB that a process may grow by while the queue drains
SOON = 0.1          # seconds from the answer to the mail, at most; looking once a second would make it 0.5
IDLE = 0.005        # of one core, for all of a node's processes


def started(db, changes, **kw):
    port = kw.pop('port', None) or free_port()
    return Server(merge(base(port), changes), port=port, db=db, **kw)


def addresses(count, name):
    return [f'{name}{number}@example.net' for number in range(count)]


# -- in the request ---------------------------------------------------------------------

def recovery_ratio(db, count):
    """Recovery of somebody, who gets a mail, against nobody's, by way of a server that takes a second for each mail."""
    sink = SinkApart(pause=1)
    server = started(db, account(uri=sink.uri))
    try:
        line, known = timing.Line(server), timing.of_same_length(200, 7)
        for email in known:
            timing.register(line, email)
        times = timing.samples(line, 'recovery by code', count, known)
        return statistics.median(times['known']) / statistics.median(times['unknown'])
    finally:
        server.stop()
        sink.close()


def registration_ratio(fresh, count):
    """Registration with a mail to confirm the address, against one without; passwords hashed as by default."""
    sink, chance, lines, times = SinkApart(), random.Random(), [], ([], [])
    plain = {'hashers': None}
    servers = [started(fresh(), merge(plain, changes)) for changes in (account(uri=sink.uri), {})]
    try:
        lines = [timing.Line(server) for server in servers]
        emails = iter(timing.of_same_length(2 * count + 10, 3))
        for which in [0, 1] * 5 + chance.sample([0, 1] * count, 2 * count):
            times[which].append(lines[which].submit(*timing.registration(next(emails))))
        with_mail, without = (statistics.median(of[5:]) for of in times)     # the first ones connect and prepare
        return with_mail / without
    finally:
        for server in servers:
            server.stop()
        sink.close()


# -- afterwards ---------------------------------------------------------------------------

def memory(server):
    """KiB of each process that works."""
    def of(pid):
        return next(int(line.split()[1]) for line in open(f'/proc/{pid}/status') if line.startswith('VmRSS'))
    return [of(pid) for pid in server.httpd()[1:]]


def drain(db, count):
    """(mails a second, KiB that a process grew by, how many came twice): a full queue, then a server that sends."""
    sink, folder = Sink(), scratch('bench')
    server = started(db, letters(None), dir=folder)
    queued_by(addresses(count, 'reader'), server)
    server.stop(keep=True)
    server = started(db, letters(sink.uri), dir=folder, port=server.port)
    try:
        wait_for(lambda: len(sink.mails) > count // 5, 60)
        before = memory(server)
        wait_for(lambda: len(sink.mails) >= count, 120)
        after, mails = memory(server), sink.mails
        rate = (count - 1) / (mails[count - 1].at - mails[0].at)
        return rate, max(b - a for a, b in zip(before, after)), len(mails) - len(sink.count())
    finally:
        server.stop()
        sink.close()


def cpu(server):
    """Seconds that all threads of a server's processes have run, to the nanosecond."""
    return sum(int(file.read_text().split()[0]) for pid in server.httpd() for file in Path(f'/proc/{pid}/task').glob('*/schedstat')) / 1e9


def idle(db, seconds, mails):
    """(part of a core that an idle server uses, median seconds from answer to mail)"""
    sink = Sink()
    server = started(db, letters(sink.uri))
    try:
        delays = []
        for address in addresses(mails, 'soon'):
            queued_by([address], server, 1)
            answered = time.monotonic()
            sink.wait([address])
            delays.append(sink.mails[-1].at - answered)
            time.sleep(0.05)
        time.sleep(2)
        before, began = cpu(server), time.monotonic()
        time.sleep(seconds)
        return (cpu(server) - before) / (time.monotonic() - began), statistics.median(delays)
    finally:
        server.stop()
        sink.close()


def run(database, mariadb, a):
    def fresh():
        return mariadb.fresh() if database == 'mariadb' else None

    ratio = recovery_ratio(fresh(), a.count)
    say(database, f'recovery with a mail / without (at most {SLOWER})', f'{ratio:.3f}', ratio <= SLOWER)
    ratio = registration_ratio(fresh, 40)
    say(database, f'registration with a mail / without (at most {SLOWER})', f'{ratio:.3f}', ratio <= SLOWER)
    rate, growth, twice = drain(fresh(), a.mails)
    say(database, f'{a.mails} mails drain (at least {DRAIN}/s)', f'{rate:.0f}/s', rate >= DRAIN)
    say(database, f'... a process grows by (at most {GROWTH} KiB)', f'{growth} KiB', growth <= GROWTH)
    say(database, '... mails that came twice (none)', twice, twice == 0)
    part, delay = idle(fresh(), a.seconds, 30)
    say(database, f'a mail leaves after the answer (at most {SOON * 1e3:.0f} ms)', f'{delay * 1e3:.1f} ms', delay <= SOON)
    say(database, f'an idle node uses of a core (at most {IDLE:.1%})', f'{part:.3%}', part <= IDLE)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--database', choices=['sqlite', 'mariadb'])
    ap.add_argument('--mails', type=int, default=5000)
    ap.add_argument('--count', type=int, default=1000, help='submits of each kind')
    ap.add_argument('--seconds', type=int, default=20, help='of idleness')
    a = ap.parse_args()
    mariadb = MariaDB() if a.database != 'sqlite' else None
    try:
        for database in [a.database] if a.database else ['sqlite', 'mariadb']:
            run(database, mariadb, a)
    finally:
        if mariadb:
            mariadb.close()
    return 1 if missed else 0


if __name__ == '__main__':
    sys.exit(main())
