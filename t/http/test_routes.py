# SPDX-License-Identifier: Apache-2.0
"""Everything around the flows: errors, schemas, health, unknown paths, methods, CORS, caching."""
import base64
import json

import pytest

from lib.clients import new_email
from lib.settings import PERSON, UI, nested

pytestmark = pytest.mark.san
NIL = '00000000-0000-4000-8000-000000000000'


# -- errors ----------------------------------------------------------------------

def test_an_error_that_a_person_saw_can_be_read_again(server):
    client = server.browser()
    away = client.get('/self-service/login/browser', {'return_to': 'https://evil.example/'})
    assert away.status == 303 and away.location.startswith(UI + '/error?id=')
    id = away.location.split('id=')[1]
    for query in ({'id': id}, {'error': id}, {'error': id, 'id': NIL}):
        shown = server.native().get('/self-service/errors', query).must(200).json
        assert shown['id'] == id and shown['error']['code'] == 400 and shown['created_at']
    assert server.native().get('/self-service/errors', {'id': NIL}).status == 404


def test_the_stub_errors_are_there_for_page_designers(server):
    answer = server.native().get('/self-service/errors', {'id': 'stub:500'}).must(200)
    assert answer.json['error']['code'] == 500 and answer.json['created_at'] == '0001-01-01T00:00:00Z'


def test_the_error_envelope_has_its_headers(server):
    answer = server.native().whoami(headers={'X-Request-ID': 'abc-123'})
    error = answer.json['error']
    assert answer.status == error['code'] == 401 and error['request'] == 'abc-123' and error['status'] == 'Unauthorized'
    assert answer.header('Content-Type') == 'application/json' and answer.header('Ory-Error-Id') is not None
    assert 'debug' not in error


@pytest.mark.parametrize('id', ['<script>', '"}', '\x01', 'a' * 300, 'é'])
def test_a_request_id_is_echoed_harmlessly_or_not_at_all(server, id):
    answer = server.native().whoami(headers={'X-Request-ID': id.encode()})
    assert answer.status in (400, 401)
    if answer.status == 401:
        assert '<script>' not in answer.body.decode()
        json.loads(answer.body)


# -- schemas ----------------------------------------------------------------------

def test_schemas_are_listed_and_shown(server):
    client = server.native()
    listed = client.get('/schemas').must(200)
    assert [s['id'] for s in listed.json] == ['person'] and listed.header('X-Total-Count') == '1'
    assert client.get('/schemas/person').must(200).json == PERSON
    assert client.get('/schemas/' + base64.urlsafe_b64encode(b'person').decode().rstrip('=')).must(200).json == PERSON


@pytest.mark.parametrize('id', ['nobody', '..%2f..%2fetc%2fpasswd', '%00', 'a' * 3000, '%ff%fe', 'person%00', '.'])
def test_an_unknown_schema_is_404(server, id):
    assert server.native().get('/schemas/' + id).status in (400, 404)


def test_the_schema_url_of_an_identity_leads_to_its_schema(server):
    client = server.native()
    client.register(new_email()).must(200)
    assert client.get(client.session()['identity']['schema_url']).must(200).json == PERSON


def test_a_schema_comes_as_the_list_does(server):
    client = server.native()
    assert {client.get(path).must(200).header('Content-Type') for path in ('/schemas', '/schemas/person')} == {
        'application/json; charset=utf-8'}
    assert client.get('/schemas/nobody').must(404).json['error']['reason']


@pytest.mark.parametrize('query', ['page=x', 'page=-1', 'page=9', 'page=', 'per_page=0', 'page_size=-9', 'page_size=1e9', 'page=%zz',
                                   'page_token=%00', 'page_token=%ff', 'page_token=rubbish', 'page_token=e30', 'page[]=1',
                                   'page=1&page=2', 'page=' + '9' * 400, '&&&', '=', '&'.join(['page=1'] * 600)])
def test_the_list_of_schemas_takes_any_page(server, query):
    answer = server.native().get('/schemas?' + query).must(200)
    assert answer.header('X-Total-Count') == '1' and answer.header('Link')


def test_an_unknown_flow_of_settings_is_404_with_the_reason(server, kind):
    client = server.client(kind)
    client.register(new_email()).must(200, 303)
    answer = client.submit('settings', NIL, {'method': 'profile'}, accept='application/json')
    assert answer.status == 404 and answer.json['error']['reason'] and 'id' not in answer.json['error']


# -- the script of security keys and passkeys (t/browser/test_webauthn.py runs it) ---------

def test_the_script_of_security_keys_is_served_whichever_methods_are_on(server, kind):
    answer = server.client(kind).get('/.well-known/ory/webauthn.js').must(200)
    assert answer.header('Content-Type') == 'text/javascript; charset=UTF-8'
    for name in ('oryWebAuthnRegistration', 'oryWebAuthnLogin', 'oryPasskeyRegistration', 'oryPasskeySettingsRegistration',
                 'oryPasskeyLogin', 'oryPasskeyLoginAutocompleteInit'):
        assert f'function {name}(' in answer.body.decode()
    head = server.native().request('HEAD', '/.well-known/ory/webauthn.js').must(200)
    assert head.body == b'' and head.header('Content-Type') == answer.header('Content-Type')


# -- health, paths, methods -----------------------------------------------------------

def test_health_is_told_without_cookies(server):
    for path in ('/health/alive', '/health/ready'):
        answer = server.browser().get(path)
        assert answer.status == 200 and answer.json == {'status': 'ok'}
        assert answer.header('Set-Cookie') is None


@pytest.mark.parametrize('path', ['/nope', '/', '/self-service', '/sessions/a/b', '/HEALTH/ALIVE', '/health/alive/', '/version',
                                  '/schemas/', '/self-service/login/', '/.git/config', '/cgi-bin/test', '/server-status', '/icons/'])
def test_unknown_paths_are_404_in_plain_text(server, path):
    answer = server.native().get(path)
    assert answer.status == 404 and answer.header('Content-Type') == 'text/plain; charset=utf-8'
    assert answer.header('X-Content-Type-Options') == 'nosniff'


@pytest.mark.parametrize('method, path, allowed', [
    ('PUT', '/self-service/login', 'GET'), ('DELETE', '/self-service/registration', 'POST'),
    ('POST', '/sessions', 'GET'), ('PUT', '/schemas/person', 'GET'), ('POST', '/health/alive', 'GET'),
])
def test_a_wrong_method_is_405_and_names_the_right_ones(server, method, path, allowed):
    answer = server.native().request(method, path)
    assert answer.status == 405 and allowed in answer.header('Allow')


@pytest.mark.parametrize('method', ['TRACE', 'CONNECT', 'FOO', 'get'])
def test_odd_methods_do_no_harm(server, method):
    assert 400 <= server.native().request(method, '/self-service/login/api').status < 500


def test_doubled_slashes_are_sent_to_the_clean_path(server):
    answer = server.native().get(server.url + '//self-service///login//api?x=1')
    assert answer.status == 307 and answer.location.endswith('/self-service/login/api?x=1')
    assert not answer.location.startswith('//')


def test_an_unsafe_method_elsewhere_needs_the_token(server):
    answer = server.browser().request('POST', '/nope', accept='application/json')
    assert answer.status == 403 and answer.json['error']['id'] == 'security_csrf_violation'


def test_nothing_is_cached(server):
    for path in ('/sessions/whoami', '/self-service/login/api', '/health/alive', '/schemas', '/self-service/errors?id=' + NIL):
        assert server.native().get(path).header('Cache-Control') == 'private, no-cache, no-store, must-revalidate'


def test_head_is_get_without_a_body(server):
    client = server.browser()
    answer = client.request('HEAD', '/self-service/login/browser')
    assert answer.status == 303 and answer.body == b'' and answer.location


# -- CORS --------------------------------------------------------------------------

CORS = nested('serve.public.cors', {'enabled': True, 'allowed_origins': ['https://app.example.org'], 'allow_credentials': True,
                                     'exposed_headers': ['Content-Type', 'Set-Cookie']})
ASK = {'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type'}


def preflight(server, origin):
    return server.native().request('OPTIONS', '/self-service/login', headers={'Origin': origin, **ASK})


def test_cors_is_off_unless_it_is_turned_on(server):
    answer = server.native().get('/health/alive', headers={'Origin': 'https://app.example.org'})
    assert answer.header('Access-Control-Allow-Origin') is None


def test_cors_lets_in_who_is_named(serve_sqlite):
    server = serve_sqlite(CORS)
    answer = preflight(server, 'https://app.example.org')
    assert answer.status == 204
    assert answer.header('Access-Control-Allow-Origin') == 'https://app.example.org'
    assert answer.header('Access-Control-Allow-Credentials') == 'true' and 'Origin' in answer.header('Vary')
    answer = server.native().whoami(headers={'Origin': 'https://app.example.org'})
    assert answer.status == 401 and answer.header('Access-Control-Allow-Origin') == 'https://app.example.org'
    assert answer.header('Access-Control-Expose-Headers') == 'Content-Type, Set-Cookie'


@pytest.mark.parametrize('origin', ['https://evil.example', 'https://app.example.org.evil.example', 'http://app.example.org', 'null',
                                    'https://app.example.org:8443', 'https://evilapp.example.org'])
def test_cors_lets_nobody_else_in(serve_sqlite, origin):
    server = serve_sqlite(CORS)
    assert preflight(server, origin).header('Access-Control-Allow-Origin') is None
    assert server.native().whoami(headers={'Origin': origin}).header('Access-Control-Allow-Origin') is None
