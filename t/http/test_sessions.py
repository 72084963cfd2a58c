# SPDX-License-Identifier: Apache-2.0
"""Sessions: carried, shown, listed, ended, and what a change of secrets does to them."""
import base64
import json
import re
from urllib.parse import parse_qsl

import pytest

from lib.clients import error_id, new_email
from lib.settings import UI

pytestmark = pytest.mark.san
NIL = '00000000-0000-4000-8000-000000000000'


@pytest.fixture
def email(server):
    email = new_email()
    server.native().register(email).must(200)
    return email


def several(server, email, n, kind='native'):
    """n clients of one account, signed in one after the other."""
    clients = [server.client(kind) for _ in range(n)]
    for client in clients:
        client.login(email).must(200, 303)
    return clients


# -- whoami ----------------------------------------------------------------------

def test_a_token_is_taken_from_each_place_and_the_header_wins(server, email):
    ana, = several(server, email, 1)
    ben = server.native()
    ben.register(new_email('ben')).must(200)
    nobody = server.native()
    assert nobody.whoami(headers={'Authorization': f'bearer {ana.token}'}).json['id'] == ana.session()['id']
    assert nobody.whoami(headers={'Authorization': f'Bearer {ana.token}',
                                  'X-Session-Token': ben.token}).json['id'] == ben.session()['id']
    assert nobody.whoami(headers={'Authorization': f'Basic {ana.token}'}).status == 401


def test_whoami_names_the_identity_in_a_header(server, kind, email):
    client, = several(server, email, 1, kind)
    answer = client.whoami().must(200)
    assert answer.header('X-Kratos-Authenticated-Identity-Id') == answer.json['identity']['id']


@pytest.mark.parametrize('token', ['ory_st_', 'ory_st_' + 'A' * 32, 'x', "' OR 1=1 --", 'ory_st_' + 'A' * 100000])
def test_a_token_that_nobody_has_is_no_session(server, token):
    answer = server.native().whoami(headers={'X-Session-Token': token})
    assert answer.status in ((401,) if len(token) < 8000 else (400, 401, 431))


@pytest.mark.parametrize('spoil', [
    lambda v: v[:-1], lambda v: v + 'A', lambda v: ('A' if v[0] != 'A' else 'B') + v[1:], lambda v: v[::-1], lambda v: '',
    lambda v: 'A' * 8000,
    lambda v: v[:len(v) // 2] + ('A' if v[len(v) // 2] != 'A' else 'B') + v[len(v) // 2 + 1:],
], ids=['cut', 'longer', 'first', 'reversed', 'empty', 'huge', 'middle'])
def test_a_cookie_that_was_changed_is_no_session(server, email, spoil):
    client, = several(server, email, 1, 'ajax')
    name, value = client.cookie('ory_kratos_session')
    client.cookies[name] = spoil(value)
    assert client.whoami().status == 401


def test_the_cookie_says_how_it_may_be_used(server, email):
    client = server.ajax()
    answer = client.login(email).must(200)
    line = next(v for k, v in answer.headers if k == 'Set-Cookie' and v.startswith('ory_kratos_session='))
    attributes = [part.strip().lower() for part in line.split(';')[1:]]
    assert 'httponly' in attributes and 'secure' in attributes and 'samesite=lax' in attributes and 'path=/' in attributes
    assert any(a.startswith('max-age=') for a in attributes)


def test_a_session_ends_with_its_lifespan(serve, kind):
    server = serve({'session': {'lifespan': '1m'}}, clock=True)
    client = server.client(kind)
    client.register(new_email()).must(200, 303)
    assert client.whoami().status == 200
    server.clock.forward(61)
    assert client.whoami().status == 401


def test_a_new_token_at_each_login(server, email):
    clients = several(server, email, 5)
    assert len({c.token for c in clients}) == 5
    assert all(c.whoami().status == 200 for c in clients)


# -- the list --------------------------------------------------------------------

def test_the_list_shows_the_other_sessions_newest_first(server, email):
    mine, *others = several(server, email, 4)
    answer = mine.get('/sessions').must(200)
    assert [s['id'] for s in answer.json][:3] == [c.session()['id'] for c in reversed(others)]
    assert mine.session()['id'] not in [s['id'] for s in answer.json]
    assert answer.header('X-Total-Count') == str(len(answer.json))


def links(answer):
    """{'next': query, ...} of a Link header."""
    found = re.findall(r'<[^?>]*\?([^>]*)>; rel="(\w+)"', answer.header('Link') or '')
    return {rel: dict(parse_qsl(query)) for query, rel in found}


def walk_by_link(client):
    """The pages of GET /sessions as the Link headers lead through them."""
    query = {'page_size': 2}
    while query:
        answer = client.get('/sessions', query).must(200)
        yield answer.json
        query = links(answer).get('next')


def walk_by_numbers_of_links(client):
    """The same for clients that know no tokens."""
    query = {'per_page': 2, 'page': 1}
    while query:
        answer = client.get('/sessions', query).must(200)
        yield answer.json
        following = links(answer).get('next')
        query = following and {'per_page': 2, 'page': following['page']}


def walk_by_number(client):
    for number in range(1, 5):
        yield client.get('/sessions', {'per_page': 2, 'page': number}).must(200).json


@pytest.fixture
def crowd(server):
    """Somebody with five sessions beside the one that asks."""
    mine, email = server.native(), new_email()
    mine.register(email).must(200)
    several(server, email, 5)
    return mine


@pytest.mark.parametrize('walk', [walk_by_link, walk_by_numbers_of_links, walk_by_number])
def test_the_list_comes_in_pages(crowd, walk):
    pages = list(walk(crowd))
    assert [len(page) for page in pages if page] == [2, 2, 1]
    assert len({session['id'] for page in pages for session in page}) == 5


@pytest.mark.parametrize('first', ['0', '1', '-1', '', 'x'])
def test_pages_are_counted_from_one_and_zero_is_the_first_as_well(crowd, first):
    newest = crowd.get('/sessions', {'per_page': 2}).must(200).json
    assert crowd.get('/sessions', {'per_page': 2, 'page': first}).must(200).json == newest
    second = crowd.get('/sessions', {'per_page': 2, 'page': 2}).must(200).json
    assert len(second) == 2 and not {s['id'] for s in second} & {s['id'] for s in newest}


@pytest.mark.parametrize('query, rels', [
    ({'per_page': 2}, {'next', 'last'}), ({'per_page': 2, 'page': 1}, {'next', 'last'}),
    ({'per_page': 2, 'page': 2}, {'first', 'next', 'prev', 'last'}), ({'per_page': 2, 'page': 3}, {'first', 'prev'}),
    ({'per_page': 2, 'page': 9}, {'first', 'prev'}), ({'page_size': 5}, {'first'}), ({'page_size': 6}, {'first'}),
    ({}, {'first'}), ({'page_size': 4}, {'next', 'last'}),
])
def test_the_links_of_a_page_are_those_that_there_are(crowd, query, rels):
    answer = crowd.get('/sessions', query).must(200)
    assert set(links(answer)) == rels and answer.header('X-Total-Count') == '5'
    everybody = [s['id'] for s in crowd.get('/sessions').json]
    size = int(query.get('per_page', 2))
    places = {'first': everybody[:size], 'last': everybody[(5 - 1) // size * size:]}
    for rel in places.keys() & rels if 'per_page' in query else ():
        assert [s['id'] for s in crowd.get('/sessions', links(answer)[rel]).must(200).json] == places[rel]


@pytest.mark.parametrize('query', [
    {'page_size': -1}, {'page_size': 0}, {'page_size': 10 ** 30}, {'page_size': 'x'}, {'per_page': -5, 'page': -5},
    {'page': 10 ** 18, 'per_page': 10 ** 18}, {'page_token': 'rubbish'}, {'page_token': base64.b64encode(b'{"offset":"-9"}').decode()},
    {'page_token': base64.b64encode(json.dumps({'offset': '9' * 40, 'v': 2}).encode()).decode()},
])
def test_absurd_pages_do_no_harm(server, email, query):
    client, *_ = several(server, email, 2)
    answer = client.get('/sessions', query)
    assert answer.status in (200, 400)
    if answer.status == 200:
        assert len(answer.json) <= 1000


# -- ending them ------------------------------------------------------------------

def test_one_session_can_be_ended(server, email):
    mine, other = several(server, email, 2)
    assert mine.delete('/sessions/' + other.session()['id']).status == 204
    assert other.whoami().status == 401 and mine.whoami().status == 200


def test_all_others_can_be_ended(server, email):
    mine, *others = several(server, email, 4)
    answer = mine.delete('/sessions').must(200)
    assert answer.json['count'] >= 3
    assert all(c.whoami().status == 401 for c in others)
    assert mine.whoami().status == 200 and mine.get('/sessions').json == []


def test_nobody_ends_a_session_of_somebody_else(server, email):
    ana, = several(server, email, 1)
    ben = server.native()
    ben.register(new_email('ben')).must(200)
    assert ben.delete('/sessions/' + ana.session()['id']).status == 204     # as for one that does not exist
    assert ana.whoami().status == 200
    assert ben.get('/sessions').json == []


def test_ones_own_session_ends_by_logout_only(server, email):
    client, = several(server, email, 1)
    assert client.delete('/sessions/' + client.session()['id']).status == 400
    assert client.whoami().status == 200


@pytest.mark.parametrize('id', ['x', NIL + 'x', '%00', "'--", '..%2f', NIL.replace('-', '')])
def test_what_is_no_uuid_is_no_session(server, email, id):
    client, = several(server, email, 1)
    assert client.delete('/sessions/' + id).status in (400, 404)


def test_after_logout_the_session_is_gone_everywhere(server, kind, email):
    client, = several(server, email, 1, kind)
    copy = server.client(kind)
    copy.cookies, copy.token = dict(client.cookies), client.token
    answer = client.logout()
    assert (answer.status, answer.location) == {'browser': (303, UI + '/bye')}.get(kind, (204, None))
    assert client.whoami().status == 401 and copy.whoami().status == 401
    assert client.cookie('ory_kratos_session') == (None, None)


def test_logout_needs_the_token_of_the_session(server, email):
    ana, ben = several(server, email, 2, 'ajax')
    token = ben.get('/self-service/logout/browser').must(200).json['logout_token']
    for wrong in (token, 'ory_lo_' + 'A' * 32, 'x'):
        assert ana.get('/self-service/logout', {'token': wrong}).status == 403
    assert ana.get('/self-service/logout').status == 400
    assert ana.whoami().status == 200 and ben.whoami().status == 200


def test_logout_leads_only_where_it_may(server, email):
    client, = several(server, email, 1, 'browser')
    answer = client.get('/self-service/logout/browser', {'return_to': 'https://evil.example/'}, accept='application/json')
    assert answer.status == 400 and error_id(answer) == 'self_service_flow_return_to_forbidden'
    token = client.get('/self-service/logout/browser', {'return_to': UI + '/x'}).must(200).json
    assert client.get(token['logout_url']).location == UI + '/x'


def test_native_logout_of_an_unknown_token_is_refused(server):
    answer = server.native().request('DELETE', '/self-service/logout/api', json_={'session_token': 'ory_st_' + 'A' * 32})
    assert answer.status == 403


# -- the token exchange -------------------------------------------------------------

def test_an_exchange_needs_both_codes_and_a_flow_that_succeeded(server):
    client = server.native()
    flow = client.init('login', {'return_session_token_exchange_code': 'true'}).must(200)
    code = flow.json['session_token_exchange_code']
    assert len(code) == 64
    path = '/sessions/token-exchange'
    assert client.get(path).status == 400
    assert client.get(path, {'init_code': code}).status == 400
    assert client.get(path, {'return_to_code': code}).status == 400
    assert client.get(path, {'init_code': code, 'return_to_code': code}).status == 404
    assert client.get(path, {'init_code': code, 'return_to_code': ''}).status == 400
    assert client.get(path, {'init_code': "' OR ''='", 'return_to_code': "' OR ''='"}).status == 404


@pytest.mark.parametrize('kind, words', [('login', {'true', 'TRUE', '1', 't'}), ('registration', {'true'})])
def test_a_flow_that_did_not_ask_in_kratos_words_has_no_exchange_code(server, kind, words):
    asked = [{'return_session_token_exchange_code': word} for word in ('true', 'TRUE', '1', 't', 'yes', '0', 'false', '')]
    assert 'session_token_exchange_code' not in server.native().init(kind).must(200).json
    given = {query['return_session_token_exchange_code'] for query in asked
             if 'session_token_exchange_code' in server.native().init(kind, query).must(200).json}
    assert given == words


# -- a change of secrets ----------------------------------------------------------------

OLD, NEW = 'a-cookie-secret-for-tests-only', 'another-cookie-secret-that-is-newer'


def test_a_new_secret_in_front_keeps_sessions_and_taking_the_old_one_away_ends_them(serve, database, stop):
    db = database.fresh()
    server = serve(db=db)
    email = new_email()
    app, page = server.native(), server.ajax()
    app.register(email).must(200)
    page.login(email).must(200)

    def restart(*secrets):
        stop(server, keep=True)
        return serve({'secrets': {'cookie': list(secrets)}}, db=db, dir=server.dir, port=server.port)

    server = restart(NEW, OLD)
    assert app.whoami().status == 200 and page.whoami().status == 200
    new_app = server.native()
    assert new_app.login(email).status == 200
    logout_token = page.get('/self-service/logout/browser').must(200).json['logout_token']
    assert logout_token.startswith('ory_lo_')

    server = restart(NEW)
    assert app.whoami().status == 401 and page.whoami().status == 401
    assert new_app.whoami().status == 200
    assert server.native().login(email).status == 200, 'passwords do not hang on the secret'
