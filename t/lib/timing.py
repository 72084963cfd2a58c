# SPDX-License-Identifier: Apache-2.0
"""Do two kinds of request take different times? How samples are taken and judged; docs/timing.md says why so."""
import dataclasses
import gc
import http.client
import json
import math
import random
import statistics
import time

from .account import account
from .clients import PASSWORD, WRONG
from .ctl import Ctl
from .settings import merge, nested


class Line:
    """A connection that stays open: what is timed is the server, not the way there."""

    def __init__(self, server):
        self.http = http.client.HTTPConnection('127.0.0.1', server.port, timeout=60)
        self.http.connect()
        self.posts = 0              # how many went this way, answered or not

    def ask(self, method, path, body=None, allowed=(200, 400)):
        """(answer, seconds)"""
        data = body and json.dumps(body)
        headers = {'Content-Type': 'application/json', 'Accept': 'application/json'}
        self.posts += method == 'POST'
        began = time.perf_counter()
        self.http.request(method, path, data, headers)
        answer = self.http.getresponse()
        text = answer.read()
        took = time.perf_counter() - began
        if answer.status not in allowed:
            raise AssertionError(f'{method} {path}: {answer.status} {text[:300]!r}')
        return json.loads(text), took

    def submit(self, kind, body):
        """Seconds that the submit to a flow just made takes; the flow itself is not timed."""
        flow, _ = self.ask('GET', f'/self-service/{kind}/api')
        return self.ask('POST', f'/self-service/{kind}?flow={flow["id"]}', body)[1]

    def submit_twice(self, kind, body, code):
        """Ask for a code, then send this one."""
        flow, _ = self.ask('GET', f'/self-service/{kind}/api')
        entered = {name: value for name, value in body.items() if name != 'email'} | {'code': code}
        if body['method'] == 'identifier_first':
            entered['method'] = 'code'
        for step in (body, entered):
            self.ask('POST', f'/self-service/{kind}?flow={flow["id"]}', step)


# -- what is submitted ---------------------------------------------------------------

def login(email):
    return 'login', {'method': 'password', 'identifier': email, 'password': WRONG}


def login_code(email):
    return 'login', {'method': 'code', 'identifier': email}


def login_first(email):
    return 'login', {'method': 'identifier_first', 'identifier': email}


def registration(email):
    return 'registration', {'method': 'password', 'password': PASSWORD, 'traits': {'email': email}}


def by_code(kind):
    return lambda email: (kind, {'method': 'code', 'email': email})


def recovery_choice(email):
    return 'recovery', {'method': 'code', 'recovery_address': email}


def by_link(kind):
    return lambda email: (kind, {'method': 'link', 'email': email})


MITIGATED = nested('security.account_enumeration.mitigate', True)
PASSWORDLESS = merge(MITIGATED, nested('selfservice.methods.code.passwordless_enabled', True))
FALLBACK = merge(PASSWORDLESS, nested('selfservice.methods.code.config.missing_credential_fallback_enabled', True))
CHOICE = nested('feature_flags.choose_recovery_address', True)
IDENTIFIER_FIRST = merge(MITIGATED, nested('selfservice.flows.login.style', 'identifier_first'))
CODE_ALONE = merge(merge(IDENTIFIER_FIRST, PASSWORDLESS), nested('selfservice.methods.password.enabled', False))

# name: what an address becomes, settings besides t/lib/account.py, whether links are mailed instead of codes
SUBJECTS = {
    'login by password': (login, {}, 'code'),
    'login by code': (login_code, PASSWORDLESS, 'code'),
    'login by code or any address': (login_code, FALLBACK, 'code'),
    'login by any address': (login_code, FALLBACK, 'code'),      # of accounts without a credential for codes
    'login, identifier first': (login_first, IDENTIFIER_FIRST, 'code'),
    'login, identifier first, code alone': (login_first, CODE_ALONE, 'code'),
    'registration': (registration, {}, 'code'),
    'recovery by code': (by_code('recovery'), {}, 'code'),
    'recovery with a choice': (recovery_choice, CHOICE, 'code'),
    'recovery by link': (by_link('recovery'), {}, 'link'),
    'verification by code': (by_code('verification'), {}, 'code'),
    'verification by link': (by_link('verification'), {}, 'link'),
}

WITHOUT_PASSWORD = ('login, identifier first, code alone', )
WITH_CREDENTIAL = ('login by code', 'login by code or any address', *WITHOUT_PASSWORD)
HASHED = ('login by password', 'registration')


def settings_of(subject, uri):
    _, changes, use = SUBJECTS[subject]
    code = {'identifier': True, 'via': 'email'} if subject in WITH_CREDENTIAL else None
    often = nested('mod_kratos.codes', dict.fromkeys(('max_tries', 'max_sent', 'max_messages'), 1000000))     # counted all the same
    return merge(merge(account(use, code=code, uri=uri), changes), often)


def register(line, email):
    line.ask('GET', '/health/alive')
    line.submit('registration', registration(email)[1])


def make_known(server, line, subject, emails):
    """Accounts for these addresses. Where nobody has a password, nobody registers with one."""
    for email in emails:
        if subject in WITHOUT_PASSWORD:
            Ctl(server).create(email)
        else:
            register(line, email)


def of_same_length(count, seed):
    """Addresses alike in all but chance."""
    chance = random.Random(seed)
    return [''.join(chance.choices('abcdefghijklmnopqrstuvwxyz', k=12)) + '@example.org' for _ in range(count)]


def samples(line, subject, count, known, chance=random.Random()):
    """
    Times of {'known', 'unknown', 'control'}, `count` of each, all in one order that chance throws: what a request leaves
    behind (a mail that is being sent) meets every kind alike, as does what else the machine does. Controls are unknown,
    too: what they differ by is noise. Each unknown address occurs once, known ones in turn.
    """
    make = SUBJECTS[subject][0]
    unknown = iter(of_same_length(2 * count, chance.random()))
    order = ['known', 'unknown', 'control'] * count
    times = {kind: [] for kind in order}
    chance.shuffle(order)
    gc.disable()
    try:
        for number, kind in enumerate(order):
            email = known[number % len(known)] if kind == 'known' else next(unknown)
            times[kind].append(line.submit(*make(email)))
    finally:
        gc.enable()
    return times


# -- how they are judged -----------------------------------------------------------------

@dataclasses.dataclass
class Difference:
    """Of two samples. Seconds, but for the last two."""

    shift: float        # of the medians
    low: float          # its 99 % interval, by bootstrap
    high: float
    middle: float       # median of both together
    longer: float       # Mann-Whitney's U over its maximum: how often one of the first takes longer. 0.5: nobody can tell
    p: float            # of Mann-Whitney's test: so much would chance alone do

    @property
    def relative(self):
        return self.shift / self.middle


def rank_test(a, b):
    """(longer, p): Mann-Whitney's U. Times of a nanosecond clock have no ties that matter."""
    ranked = sorted([(x, 1) for x in a] + [(x, 0) for x in b])
    u = sum(rank for rank, (_, of_a) in enumerate(ranked, 1) if of_a) - len(a) * (len(a) + 1) / 2
    z = (u - len(a) * len(b) / 2) / math.sqrt(len(a) * len(b) * (len(a) + len(b) + 1) / 12)
    return u / (len(a) * len(b)), math.erfc(abs(z) / math.sqrt(2))


def difference(a, b, draws=1000, seed=1):
    chance, median = random.Random(seed), statistics.median
    shifts = sorted(median(chance.choices(a, k=len(a))) - median(chance.choices(b, k=len(b))) for _ in range(draws))
    return Difference(median(a) - median(b), shifts[int(draws * 0.005)], shifts[int(draws * 0.995) - 1], median([*a, *b]),
                      *rank_test(a, b))


def tells(d, edge=0.125):
    """
    Can time tell? Both must hold: chance alone does not do that (1 in 1000), and somebody who bets on the slower one is
    right more often than with 1/2 + edge.
    """
    return d.p < 0.001 and abs(d.longer - 0.5) > edge
