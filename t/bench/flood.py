#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a flood of sign-ins costs everybody else, and what a sign-in costs beyond its hash. About two minutes.

    build/bench flood
    build/bench flood --rounds 3

Passwords are hashed with argon2id at 128 MiB, t=1, p=4, Kratos' default. Sixty clients sign in again and again, each at its turn or after
the Retry-After that it is told: meanwhile somebody opens a guarded page, somebody else asks whoami, two hundred times a second, from another
process, and how long that takes is set against the same at rest, turn by turn. Then one person signs in, and the time is set against the
bare hash of libargon2 with its memory kept (bare_hash.c). Exit status 1 when a bar is missed.
"""
import argparse
import json
import multiprocessing
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.clients import PASSWORD, Native, new_email  # noqa: E402
from lib.figures import Line, missed, say  # noqa: E402
from lib.serving import MariaDB, Server, free_port  # noqa: E402
from lib.settings import base, merge, nested  # noqa: E402

HASH = nested('hashers.argon2', {'memory': '128MB', 'iterations': 1, 'parallelism': 4, 'salt_length': 16, 'key_length': 32})
CLIENTS = 60
WAIT = 3            # x the p99 at rest
BEYOND = 1.05       # x the bare hash
PACE = 0.005        # seconds between two requests of a visitor


def sign_in(line, email):
    """(status, seconds of the submit, Retry-After)"""
    flow = json.loads(line.ask('GET', '/self-service/login/api')[1])['id']
    began = time.perf_counter()
    body = json.dumps({'method': 'password', 'identifier': email, 'password': PASSWORD})
    status, _, headers = line.ask('POST', f'/self-service/login?flow={flow}', body)
    return status, time.perf_counter() - began, float(headers.get('Retry-After', 0))


def flood(url, email, going, counts):
    """In a process of its own: as many clients as CLIENTS, until `going` is cleared."""
    def client(number):
        line = Line(url)
        time.sleep(number / CLIENTS)
        while going.is_set():
            status, _, after = sign_in(line, email)
            with counts.get_lock():
                counts[status == 503] += 1
            assert status in (200, 503), status
            time.sleep(after * random.uniform(1, 1.5))
    os.nice(19)         # they would be on other machines
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(client, range(CLIENTS)))


def p99(url, path, token, seconds):
    """ms, of a visitor who asks at a pace."""
    line, times, begin = Line(url), [], time.perf_counter()
    for number in range(int(seconds / PACE)):
        time.sleep(max(0, begin + number * PACE - time.perf_counter()))
        began = time.perf_counter()
        assert line.ask('GET', path, **{'X-Session-Token': token})[0] == 200
        times.append(time.perf_counter() - began)
    return sorted(times)[int(len(times) * 0.99)] * 1000


def others(name, server, email, rounds, seconds):
    who = Native(server.url)
    who.login(email).must(200)
    (server.dir / 'gate' / 'x.txt').write_text('x' * 1024)
    places = {'whoami': (server.url, '/sessions/whoami'), 'the gate': (server.gate, '/x.txt')}
    figures, counts = {what: [] for what in places}, multiprocessing.Array('i', 2)
    for _ in range(rounds):
        rest = {what: p99(*place, who.token, seconds) for what, place in places.items()}
        going = multiprocessing.Event()
        going.set()
        crowd = multiprocessing.Process(target=flood, args=(server.url, email, going, counts))
        crowd.start()
        time.sleep(2)
        for what, place in places.items():
            during = p99(*place, who.token, seconds)
            figures[what].append((during / rest[what], during, rest[what]))
        going.clear()
        crowd.join()
    for what, found in figures.items():
        middle = statistics.median(f[0] for f in found)
        say(name, f'p99 of {what} while {CLIENTS} sign in', f'{middle:.2f} x at rest ({min(found)[0]:.2f} to {max(found)[0]:.2f}; '
            f'{statistics.median(f[1] for f in found):.2f} and {statistics.median(f[2] for f in found):.2f} ms); bar {WAIT}', middle <= WAIT)
    say(name, 'sign-ins that succeeded, and that were told to come back', f'{counts[0]}, {counts[1]}')


def alone(name, server, email, rounds):
    """One person signs in, set against the bare hash, turn by turn."""
    program = server.dir / 'bare_hash'
    subprocess.run(['cc', '-O2', '-o', program, Path(__file__).with_name('bare_hash.c'), '-largon2'], check=True)
    line, ratios = Line(server.url), []
    sign_in(line, email)
    for _ in range(rounds * 4):
        bare = float(subprocess.run([program], check=True, capture_output=True, text=True).stdout)
        took = statistics.median(sign_in(line, email)[1] for _ in range(5))
        ratios.append(took * 1000 / bare)
    middle = statistics.median(ratios)
    say(name, 'a sign-in', f'{middle:.3f} x the bare hash ({min(ratios):.3f} to {max(ratios):.3f}); bar {BEYOND}', middle <= BEYOND)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--rounds', type=int, default=5)
    ap.add_argument('--seconds', type=int, default=4)
    ap.add_argument('--only', default='', help='others or alone')
    a = ap.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    mariadb = MariaDB()
    try:
        for name, database in (('SQLite', None), ('MariaDB', mariadb)):
            port, email = free_port(), new_email('flood')
            server = Server(merge(base(port), HASH), port=port, db=database and database.fresh(), gate=True)
            Native(server.url).register(email).must(200)
            if 'others'.startswith(a.only):
                others(name, server, email, a.rounds, a.seconds)
            if 'alone'.startswith(a.only):
                alone(name, server, email, a.rounds)
            server.stop()
    finally:
        mariadb.close()
    return bool(missed)


if __name__ == '__main__':
    sys.exit(main())
