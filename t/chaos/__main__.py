# SPDX-License-Identifier: Apache-2.0
"""build/chaos: plays scenarios, one after the other."""
import argparse
import resource
import sys

from .scenarios import SCENARIOS, play
from .stage import Shared


def main():
    ap = argparse.ArgumentParser(prog='build/chaos', description='Breaks things under load, and looks whether all that clients were told holds.')
    ap.add_argument('names', nargs='*', metavar='NAME', help='a scenario, or NAME/DATABASE')
    ap.add_argument('--list', action='store_true')
    ap.add_argument('--short', action='store_true')
    ap.add_argument('--seed', type=int, default=1)
    a = ap.parse_args()
    wanted = [(name, kind) for name, it in SCENARIOS.items() for kind in it.kinds
              if not a.names or name in a.names or f'{name}/{kind}'.lower() in [n.lower() for n in a.names]]
    unknown = [n for n in a.names if n.partition('/')[0] not in SCENARIOS]
    if unknown or not wanted:
        ap.error(f'no such scenario: {" ".join(unknown or a.names)} (there are {" ".join(SCENARIOS)})')
    if a.list:
        for name, it in SCENARIOS.items():
            print(f'{name:10} {", ".join(it.kinds):24} {it.play.__doc__.strip().splitlines()[0]}')
        return 0
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    shared = Shared()
    try:
        return int(any([tell(play(name, kind, shared, a.seed, a.short)) for name, kind in wanted]))
    finally:
        shared.close()


def tell(stage):
    """One line, and below it what is wrong."""
    print(stage.line, flush=True)
    for fault in stage.faults[:20]:
        print(f'    {fault}')
    if len(stage.faults) > 20:
        print(f'    and {len(stage.faults) - 20} more')
    return bool(stage.faults)


if __name__ == '__main__':
    sys.exit(main())
