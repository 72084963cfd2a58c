# SPDX-License-Identifier: Apache-2.0
"""A provider in trouble: nobody is let in by it, nobody else is held up, and once it is well it is used again."""
import threading
import time

import pytest

from lib.account import let_in
from lib.clients import new_email
from lib.factors import at_once
from lib.provider import person, social
from lib.settings import merge, nested

pytestmark = pytest.mark.rules

DOCUMENT = '/.well-known/openid-configuration'
SHORT = nested('mod_kratos.oidc.timeout', '1s')
FEW = merge(nested('mod_kratos.oidc.timeout', '20s'), nested('mod_kratos.oidc.max_calls', 2))
TROUBLE = 'KR0201|KR0202|KR0901|KR0906'


@pytest.fixture(autouse=True)
def afresh(provider):
    provider.clear()
    yield
    provider.reset()


@pytest.fixture
def site(serve, provider):
    def make(changes=None, **conf):
        site = serve(merge(social(provider.conf(**conf)), changes or {}))
        site.expect_log(TROUBLE)
        return site
    return make


def press(client, name='acme', flow=None):
    return client.submit('login', flow or client.start('login'), {'method': 'oidc', 'provider': name})


# -- one that hangs -------------------------------------------------------------------------

def release_when_somebody_was_turned_away(provider, answers):
    """The provider answers as soon as one answer came."""
    def watch():
        end = time.monotonic() + 15
        while not answers and time.monotonic() < end:
            time.sleep(0.02)
        provider.release.set()
    threading.Thread(target=watch, daemon=True).start()


def test_no_more_wait_for_a_provider_than_may_and_others_are_served_meanwhile(site, provider):
    site = site(FEW)
    provider.slow = {DOCUMENT: 30}
    starts = [(c := site.ajax(), c.start('login')) for _ in range(3)]
    other = site.native()
    other.register(new_email())
    answers = []
    release_when_somebody_was_turned_away(provider, answers)

    def go(client, flow):
        answer = press(client, flow=flow)
        answers.append((answer.status, let_in_meanwhile() if answer.status == 503 else None, answer))

    def let_in_meanwhile():
        began = time.monotonic()
        return other.whoami().status == 200 and time.monotonic() - began < 1

    at_once([lambda c=c, f=f: go(c, f) for c, f in starts])
    assert sorted(status for status, *_ in answers) == [422, 422, 503]
    turned_away = next(a for a in answers if a[0] == 503)
    assert turned_away[1], 'whoami had to wait'
    assert int(dict(turned_away[2].headers)['Retry-After']) > 0
    press(site.ajax()).must(422)                             # and now there is room again


def test_a_code_waits_for_its_share_as_well(site, provider):
    site = site(FEW)
    rounds = []
    for i in range(3):
        b = site.browser()
        rounds.append((b, provider.agree(b, provider.press(b, 'registration'), **person(f'hung{i}'))))
    provider.slow = {'/token': 30}
    answers = []
    release_when_somebody_was_turned_away(provider, answers)

    def come_back(client, url):
        answers.append(client.get(url, accept='application/json').status)

    at_once([lambda b=b, url=url: come_back(b, url) for b, url in rounds])
    assert answers.count(503) == 1 and sum(let_in(b) for b, _ in rounds) == 2
    assert len(provider.exchanges) == 2


@pytest.mark.parametrize('path', [DOCUMENT, '/token'])
def test_who_waits_for_a_silent_provider_waits_no_longer_than_is_set(site, provider, path):
    site = site(SHORT)
    provider.slow = {path: 10}
    b, began = site.browser(), time.monotonic()
    if path == DOCUMENT:
        assert press(site.ajax()).must(500).json['error']['id'] == 'invalid_configuration'
    else:
        provider.walk(b, 'registration', **person('patient'))
        assert not let_in(b)
    assert time.monotonic() - began < 5
    provider.reset()
    time.sleep(1)                                           # where nothing is kept, it is asked once a second
    provider.walk(b, 'registration', **person('patient')).must(303)
    assert let_in(b)


# -- one that talks nonsense ------------------------------------------------------------------

NONSENSE = {
    'html': (200, b'<!DOCTYPE html><title>Sorry</title>'), 'nothing': (200, b''), '10 MB': (200, b'{"x":"' + b'x' * 10_000_000 + b'"}'),
    'to itself': (302, {}, {'Location': '.'}), 'elsewhere': (307, {}, {'Location': '/elsewhere'}),
}
PATHS = [DOCUMENT, '/jwks', '/token', '/userinfo']


@pytest.fixture(scope='module')
def many(request, provider):
    """A provider for each story: nothing is kept of it yet."""
    from conftest import Database, end, start
    confs = [provider.conf(f'p{i}', claims_source='userinfo') for i in range(len(PATHS) * len(NONSENSE))]
    site = start(request, Database('sqlite'), social(*confs))
    yield site
    end(site)


@pytest.mark.parametrize('what', NONSENSE)
@pytest.mark.parametrize('path', PATHS)
@pytest.mark.san
def test_nonsense_lets_nobody_in_and_is_followed_nowhere(many, provider, path, what):
    many.expect_log(TROUBLE)
    name = f'p{PATHS.index(path) * len(NONSENSE) + list(NONSENSE).index(what)}'
    provider.answers = {path: NONSENSE[what], '/elsewhere': (200, {'error': 'somebody came'})}
    b = many.browser()
    if path == DOCUMENT:
        assert press(many.ajax(), name).must(500).json['error']['id'] == 'invalid_configuration'
    else:
        provider.walk(b, 'registration', name, **person('confused'))
    assert not let_in(b)
    calls = [c['path'] for c in provider.calls]
    assert '/elsewhere' not in calls and 1 <= calls.count(path) <= 2


# -- keys that change ------------------------------------------------------------------------------

def test_a_provider_with_new_keys_is_believed_at_once_in_each_process(site, provider):
    from cryptography.hazmat.primitives.asymmetric import rsa
    site = site()
    for i in range(4):
        provider.walk(site.browser(), 'registration', **person(f'before{i}')).must(303)
    provider.key, old = rsa.generate_private_key(public_exponent=65537, key_size=2048), provider.key
    for i in range(4):
        b = site.browser()
        provider.walk(b, 'registration', **person(f'after{i}'))
        assert let_in(b), site.log()
    provider.other = old
    provider.sign = 'other-key'
    b = site.browser()
    provider.walk(b, 'registration', **person('stale'))
    assert not let_in(b)
