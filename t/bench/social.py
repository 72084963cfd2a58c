#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What sign-in with other sites costs, and what a provider that hangs costs everybody else. About a minute and a half.

    build/bench social
    build/bench social --rounds 3

Starting a login at a provider is a press on its button, each in a flow of its own that was made before; beside it, in turns, logins that
are only begun. CPU is that of httpd and of its MariaDB. Then a provider's token endpoint hangs while browsers come back, more than may
wait: how long do the gate and whoami take meanwhile? Exit status 1 when a bar is missed.
"""
import argparse
import json
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.clients import HTML, Ajax, Browser, Native, new_email  # noqa: E402
from lib.figures import Line, missed, say  # noqa: E402
from lib.provider import Provider, person, social  # noqa: E402
from lib.serving import MariaDB, Server, free_port  # noqa: E402
from lib.settings import base, merge  # noqa: E402

START = 1.3         # x the CPU of a login flow that is made
WAIT = 1.5          # x the p99 at rest
EACH = 400          # requests of a turn
HANGING = 60        # browsers that come back at once
def ms_used(server, mariadb):
    """CPU that httpd and its database have used so far."""
    total = 0
    for pid in server.httpd() + ([mariadb.pid()] if mariadb else []):
        for task in Path(f'/proc/{pid}/task').iterdir():
            total += int((task / 'schedstat').read_text().split()[0])
    return total / 1e6


def cost(server, mariadb, requests):
    before = ms_used(server, mariadb)
    for request in requests:
        request()
    return (ms_used(server, mariadb) - before) / len(requests)


def starting(name, server, mariadb, rounds):
    line, client = Line(server.url), Ajax(server.url)
    token = client.start('login').csrf
    name_of, value = client.cookie('csrf_token_')
    cookie = {'Cookie': f'{name_of}={value}'}

    def create():
        status, body, _ = line.ask('GET', '/self-service/login/browser', **cookie)
        assert status == 200
        return json.loads(body)['id']

    def press(flow):
        body = json.dumps({'method': 'oidc', 'provider': 'acme', 'csrf_token': token})
        assert line.ask('POST', f'/self-service/login?flow={flow}', body, **cookie)[0] == 422

    press(create())
    ratios = []
    for _ in range(rounds):
        flows = [create() for _ in range(EACH)]
        made = cost(server, mariadb, [create] * EACH)
        ratios.append(cost(server, mariadb, [lambda f=f: press(f) for f in flows]) / made)
    middle = statistics.median(ratios)
    say(name, 'a login that is started at a provider', f'{middle:.2f} x a login flow that is made ({min(ratios):.2f} to {max(ratios):.2f}); '
        f'bar {START}', middle <= START)


def p99(server, path, token, seconds):
    """Of four who ask one request after the other."""
    def one():
        line, times, end = Line(server.gate if path.endswith('.txt') else server.url), [], time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.monotonic()
            assert line.ask('GET', path, **{'X-Session-Token': token})[0] == 200
            times.append(time.monotonic() - began)
        return times
    with ThreadPoolExecutor(4) as pool:
        times = sorted(t for f in [pool.submit(one) for _ in range(4)] for t in f.result())
    return times[int(len(times) * 0.99)] * 1000


def hanging(name, server, provider, rounds):
    """Browsers come back, the token endpoint is silent: some wait, the others are told so at once."""
    someone = Native(server.url)
    someone.register(new_email('rest')).must(200)
    (server.dir / 'gate' / 'x.txt').write_text('x' * 1024)
    figures = {path: [] for path in ('/sessions/whoami', '/x.txt')}
    shed = 0
    for n in range(rounds):
        rest = {path: p99(server, path, someone.token, 2) for path in figures}
        clients = [Browser(server.url) for _ in range(HANGING)]
        urls = [provider.agree(c, provider.press(c), **person(f'h{n}-{i}')) for i, c in enumerate(clients)]
        provider.slow['/token'] = 20
        with ThreadPoolExecutor(HANGING) as pool:
            answers = [pool.submit(c.get, url, accept=HTML) for c, url in zip(clients, urls)]
            time.sleep(1)       # until those wait that may
            for path in figures:
                figures[path].append(p99(server, path, someone.token, 2) / rest[path])
            provider.slow.clear(), provider.release.set()
            shed += sum(a.result().status == 503 for a in answers)
        provider.release = threading.Event()
    for path, ratios in figures.items():
        middle = statistics.median(ratios)
        say(name, f'p99 of {"the gate" if path.endswith(".txt") else "whoami"} while a provider hangs', f'{middle:.2f} x at rest '
            f'({min(ratios):.2f} to {max(ratios):.2f}); bar {WAIT}', middle <= WAIT)
    say(name, f'of {HANGING} who come back at once, told to try again', f'{shed / rounds:.0f}', shed > 0)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--rounds', type=int, default=5)
    ap.add_argument('--only', default='', help='start or hang')
    a = ap.parse_args()
    mariadb, provider = MariaDB(), Provider()
    try:
        for name, database in (('SQLite', None), ('MariaDB', mariadb)):
            port = free_port()
            server = Server(merge(base(port), social(provider.conf())), port=port, db=database and database.fresh(), gate=True, flags=['nonce'])
            if 'start'.startswith(a.only):
                starting(name, server, database, a.rounds)
            if 'hang'.startswith(a.only):
                hanging(name, server, provider, a.rounds)
            server.stop()
    finally:
        provider.close()
        mariadb.close()
    return bool(missed)


if __name__ == '__main__':
    sys.exit(main())
