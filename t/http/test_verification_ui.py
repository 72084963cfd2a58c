# SPDX-License-Identifier: Apache-2.0
"""`show_verification_ui` after each flow: people are sent to the verification, programs are told of it beside where to go on."""
import pytest

from lib.account import account, change, member
from lib.clients import PASSWORD, new_email
from lib.settings import UI, merge, nested

pytestmark = pytest.mark.san
SHOW = {'hook': 'show_verification_ui'}
BACK = f'{UI}/back'
BY_PASSWORD = {'method': 'password', 'password': PASSWORD}


@pytest.fixture(scope='module')
def server(request, database, post):
    from conftest import end, start
    hooks = {'registration': {'after': {'password': {'hooks': [{'hook': 'session'}, SHOW]}}},
             'login': {'after': {'password': {'hooks': [{'hook': 'verification'}, SHOW]}}},
             'settings': {'after': {'profile': {'hooks': [SHOW]}}}}
    server = start(request, database, merge(account(uri=post.uri), nested('selfservice.flows', hooks)))
    yield server
    end(server)


def told(answer, kind, email):
    """The actions of an answer; what it says of the verification is looked at."""
    with_ = answer.must(200).json['continue_with']
    for item in with_:
        if item['action'] == 'redirect_browser_to':
            assert item['redirect_browser_to'] in (BACK, f'{UI}/')
        if item['action'] == 'show_verification_ui':
            flow = item['flow']
            assert flow['verifiable_address'] == email
            assert flow.get('url') == (None if kind == 'native' else f'{UI}/verification?flow={flow["id"]}')
    return [item['action'] for item in with_]


def sent_to(answer):
    return answer.must(303).location.split('?')[0]


@pytest.mark.parametrize('query', [{}, {'return_to': BACK}])
def test_after_a_registration(server, kind, query):
    client, email = server.client(kind), new_email()
    answer = client.submit('registration', client.start('registration', query), {**BY_PASSWORD, 'traits': {'email': email}})
    if kind == 'browser':
        assert sent_to(answer) == f'{UI}/verification'
    else:
        assert told(answer, kind, email) == (['redirect_browser_to', 'show_verification_ui'] if kind == 'ajax' else
                                             ['show_verification_ui', 'set_ory_session_token'])


@pytest.mark.parametrize('query', [{}, {'return_to': BACK}, {'refresh': 'true', 'return_to': BACK}])
def test_after_a_login(server, kind, query):
    client = member(server, kind) if 'refresh' in query else server.client(kind)
    email = member(server).email if 'refresh' not in query else client.email
    answer = client.submit('login', client.start('login', query), {**BY_PASSWORD, 'identifier': email})
    if kind == 'browser':
        assert sent_to(answer) == f'{UI}/verification'
    else:
        assert told(answer, kind, email) == ['redirect_browser_to', 'show_verification_ui'][kind == 'native':]
        if kind == 'ajax' and query:
            assert answer.json['continue_with'][0]['redirect_browser_to'] == BACK


def test_after_a_change_of_the_address(server, kind):
    client, email = member(server, kind), new_email()
    flow = client.start('settings', {'return_to': BACK})
    answer = client.submit('settings', flow, {'method': 'profile', 'traits': {'email': email}})
    if kind == 'browser':
        assert answer.must(303).location == BACK
    else:
        assert told(answer, kind, email) == ['show_verification_ui', 'redirect_browser_to'][:2 - (kind == 'native')]


def test_nobody_is_sent_there_with_nothing_to_verify(server, kind):
    client = member(server, kind)
    answer = change(client, method='profile', traits={'email': client.email, 'name': 'Ana'})
    assert 'show_verification_ui' not in [c['action'] for c in answer.must(200).json.get('continue_with') or []]
