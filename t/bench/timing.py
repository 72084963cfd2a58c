#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does time tell whether an address is known? docs/timing.md has the method and what came out.

    build/bench timing                            everything, on both databases; about three minutes
    build/bench timing --only recovery --database mariadb --count 3000

Exit status 1 when some kind of request tells.
"""
import argparse
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib import timing  # noqa: E402
from lib.serving import MariaDB, Server, free_port  # noqa: E402
from lib.settings import base, merge, nested  # noqa: E402
from lib.sink import SinkApart  # noqa: E402

def measure(subject, db, sink, count):
    """(known, control): how each differs from unknown ones."""
    port = free_port()
    tree = merge(merge(base(port), nested('hashers.argon2.memory', '16MB')), timing.settings_of(subject, sink.uri))
    server = Server(tree, port=port, db=db)
    try:
        line, known = timing.Line(server), timing.of_same_length(200, 7)
        timing.make_known(server, line, subject, known)
        times = timing.samples(line, subject, count, known)
        return [timing.difference(times[kind], times['unknown']) for kind in ('known', 'control')]
    finally:
        server.stop()


def report(name, subject, known, control):
    for kind, d in (('known', known), ('control', control)):
        print(f'{name:8} {subject:34} {kind:8} {d.middle * 1e3:8.3f} ms {d.shift * 1e6:+8.0f} us ({d.low * 1e6:+.0f} to {d.high * 1e6:+.0f})'
              f' {d.relative:+6.1%}  longer {d.longer:.3f}  p {d.p:.4f}{"  TELLS" if timing.tells(d) else ""}', flush=True)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--database', choices=['sqlite', 'mariadb'])
    ap.add_argument('--only', default='', help='kinds of request whose name contains this')
    ap.add_argument('--count', type=int, help='samples of each kind; default 2000, 200 where a password is hashed')
    a = ap.parse_args()
    mariadb = MariaDB() if a.database != 'sqlite' else None
    sink, tell = SinkApart(), 0
    print('known, and unknown once more (control), against unknown: median, shift of the medians with its 99 % interval, how often '
          'it takes longer, p of Mann-Whitney')
    try:
        for name in [a.database] if a.database else ['sqlite', 'mariadb']:
            for subject in timing.SUBJECTS:
                if a.only in subject:
                    count = a.count or (200 if subject in timing.HASHED else 2000)
                    known, control = measure(subject, mariadb.fresh() if name == 'mariadb' else None, sink, count)
                    report(name, subject, known, control)
                    tell += timing.tells(known)
    finally:
        sink.close()
        if mariadb:
            mariadb.close()
    print(f'{tell} tell' if tell else 'nothing tells')
    return 1 if tell else 0


if __name__ == '__main__':
    sys.exit(main())
