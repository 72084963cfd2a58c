# SPDX-License-Identifier: Apache-2.0
"""Servers whose people may have a second factor, of each kind in turn; those people, and what answers tell them of levels."""
import copy
from urllib.parse import parse_qs, urlsplit

import pytest

from .account import account, person
from .clients import PASSWORD, new_email
from .levels import App, Code, SecurityKey, Spare, step_up
from .settings import inline, merge, nested

NEW = 'another-Horse-battery-9'
FACTORS = {'code': Code, 'totp': App, 'lookup_secret': Spare, 'webauthn': SecurityKey}


def schema():
    """One address to sign in with by password, and one that may be there for codes."""
    document = person()
    traits = document['properties']['traits']['properties']
    traits['mail'] = copy.deepcopy(traits['email'])
    traits['mail']['ory.sh/kratos'] = {'credentials': {'code': {'identifier': True, 'via': 'email'}}}
    traits['email']['ory.sh/kratos']['credentials']['webauthn'] = {'identifier': True}
    return document


@pytest.fixture(scope='module', params=list(FACTORS))
def factor(request, post):
    return FACTORS[request.param](post)


@pytest.fixture(params=['browser', 'ajax', 'native'])
def kind(request):
    return request.param


def is_a_case(factor=None, kind=None):
    """For conftest: which pairs there are. Apps cannot show a key."""
    return factor is None or kind != 'native' or not FACTORS[factor].browsers


BY_APPS = pytest.mark.parametrize('kind', ['native'])


@pytest.fixture(scope='module')
def servers(request, database, post, factor):
    """servers(changes...) is one server for all tests that want the same."""
    from conftest import end, start
    running = []

    def serve(*changes):
        for known, server in running:
            if known == changes:
                return server
        tree = merge(account(uri=post.uri), factor.settings)
        for change in changes:
            tree = merge(tree, change)
        tree = merge(tree, {'identity': {'schemas': [{'id': 'person', 'url': inline(schema())}]}})
        server = start(request, database, tree, clock=True)
        server.factor = factor
        running.append((changes, server))
        return server
    yield serve
    for _, server in running:
        end(server)


@pytest.fixture(scope='module')
def server(servers):
    """Both whoami and settings want all that an account has, as they do by default."""
    return servers()


# where what is asked does not hang on the factor: one that is sent and one that is held
MOST = pytest.mark.parametrize('factor', ['code', 'totp'], indirect=True, scope='module')
LAX = nested('session.whoami.required_aal', 'aal1')
LAX_SETTINGS = nested('selfservice.flows.settings.required_aal', 'aal1')
TRANSITIONS = nested('feature_flags.use_continue_with_transitions', True)


# -- people ------------------------------------------------------------------------------

def sign_in(client, **query):
    """By password. The answer."""
    client.token = None
    client.cookies = {}
    flow = client.start('login', query or None)
    answer = client.submit('login', flow, {'method': 'password', 'identifier': client.email, 'password': PASSWORD})
    client._keep_token(answer.must(200, 303, 422))
    return answer


def client_of(server, kind, email):
    client = server.client(kind)
    client.email, client.server, client.sort = email, server, kind
    return client


def somebody(server, kind, has=True):
    """Who is signed in by password, and has a second factor unless `has` is false."""
    owner = client_of(server, 'ajax' if server.factor.browsers else 'native', new_email())
    with_code = {'mail': owner.email} if has and server.factor.method == 'code' else {}
    owner.register(owner.email, **with_code).must(200)
    if has:
        server.factor.give(owner)
    return again(owner, kind)


def again(client, kind=None):
    """Another session of the same person's, with one factor."""
    other = client_of(client.server, kind or client.sort, client.email)
    sign_in(other)
    return other


def all_in(server, kind):
    """Who has shown both factors."""
    client = somebody(server, kind)
    step_up(client, server.factor)
    assert client.session()['authenticator_assurance_level'] == 'aal2'
    return client


def told(answer):
    """What somebody is told, in a word: a flow, a session, an error's id or status, or where they are sent."""
    if answer.location is None:
        body = answer.json
        return 'flow' if 'ui' in body else 'session' if 'session' in body else body['error'].get('id') or body['error']['code']
    path, query = urlsplit(answer.location).path, parse_qs(urlsplit(answer.location).query)
    if path.startswith('/self-service/login/browser'):
        return 'second factor' if query.get('aal') == ['aal2'] else 'first factor'
    return 'error page' if path == '/error' else 'flow' if 'flow' in query else 'back'


def by_kind(kind, person, program):
    return person if kind == 'browser' else program
