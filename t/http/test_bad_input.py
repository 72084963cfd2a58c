# SPDX-License-Identifier: Apache-2.0
"""What strangers may send: a clear 4xx, no 5xx, no row written, no memory kept."""
import http.client
import json
import socket
from pathlib import Path

import pytest

from lib.clients import PASSWORD, new_email

pytestmark = pytest.mark.san
NIL = '00000000-0000-4000-8000-000000000000'
JSON = 'application/json'
FORM = 'application/x-www-form-urlencoded'


@pytest.fixture(scope='module')
def server(request):
    """Looked at from inside, so on SQLite only."""
    from conftest import end, start
    server = start(request)
    server.account = new_email('victim')
    server.native().register(server.account).must(200)
    yield server
    end(server)


@pytest.fixture(params=['login', 'registration'])
def flow(request, server):
    """A native flow to send things to, and its kind."""
    return request.param, server.native().init(request.param).must(200).flow_id


class Unchanged:
    """No row may come or go while it stands, beyond those of flows and errors that somebody asked for."""

    def __init__(self, server):
        self.server = server

    def rows(self):
        return {name: n for name, n in self.server.counts().items() if name != 'selfservice_errors'}

    def __enter__(self):
        self.before = self.rows()

    def __exit__(self, kind, *_):
        if not kind:
            assert self.rows() == self.before


def send(server, flow, body, content_type=JSON, **kw):
    kind, id = flow
    with Unchanged(server):
        answer = server.native().request('POST', f'/self-service/{kind}', query={'flow': id}, raw=body,
                                         content_type=content_type, **kw)
    assert 400 <= answer.status < 500, f'{answer.status}: {answer.body[:300]}'
    assert PASSWORD.encode() not in answer.body
    if answer.header('Content-Type', '').startswith(JSON):
        shown = json.loads(answer.body)
        assert 'error' in shown or 'ui' in shown
        assert 'debug' not in shown.get('error', {})
    return answer


GOOD = json.dumps({'method': 'password', 'identifier': 'x@example.org', 'password': 'wrong-Horse-battery-9'})

BROKEN_JSON = {
    'nothing': '', 'open': '{"method":"password"', 'comma': '{"method":"password",}', 'words': 'method=password', 'quote': '{"a":"',
    'number': '4711', 'string': '"password"', 'list': '[1,2]', 'null': 'null', 'true': 'true', 'twice': GOOD + GOOD,
    'comment': '{/* */}', 'single': "{'method':'password'}", 'nan': '{"method":NaN}', 'big number': '{"method":' + '9' * 5000 + '}',
    'exponent': '{"a":1e999999}', 'surrogate': r'{"method":"\ud800"}', 'escape': r'{"method":"\x41"}', 'bom': '\ufeff' + GOOD,
    'duplicate key': '{"method":"password","method":"profile","identifier":"a","identifier":"b","password":"c"}',
    'utf-16': GOOD.encode('utf-16'), 'latin-1': '{"method":"pässword"}'.encode('latin-1'), 'overlong': b'{"method":"\xc0\xaf"}',
    'raw nul': b'{"method":"pass\x00word"}', 'escaped nul': r'{"method":"password","identifier":"a\u0000b","password":"c"}',
    'nul in key': r'{"met\u0000hod":"password"}', 'control': b'{"method":"\x01\x02"}',
    'deep list': '[' * 100000, 'deep object': '{"a":' * 50000 + '1' + '}' * 50000, 'deep and closed': '[' * 5000 + ']' * 5000,
    'deep traits': '{"method":"password","traits":' + '{"a":' * 3000 + '1' + '}' * 3000 + '}',
    'many keys': json.dumps({f'k{i}': i for i in range(10000)}), 'long key': json.dumps({'k' * 500000: 1}),
}


@pytest.mark.parametrize('what', BROKEN_JSON)
def test_broken_or_odd_json_is_a_4xx(server, flow, what):
    body = BROKEN_JSON[what]
    send(server, flow, body if isinstance(body, bytes) else body.encode())


@pytest.mark.parametrize('value', [None, True, 0, -1, 1.5, [], {}, ['password'], {'a': 'b'}, 'x' * 900000, '', ' '],
                         ids=lambda v: type(v).__name__ + str(v)[:6])
@pytest.mark.parametrize('field', ['method', 'identifier', 'password', 'traits', 'csrf_token', 'transient_payload', 'screen'])
def test_a_field_of_another_type_is_a_4xx(server, flow, field, value):
    body = {'method': 'password', 'identifier': 'x@example.org', 'password': 'wrong-Horse-battery-9', 'traits': {'email': 'no address'}}
    send(server, flow, json.dumps({**body, field: value}).encode())


@pytest.mark.parametrize('content_type', [
    None, '', 'text/plain', 'application/xml', 'multipart/form-data', 'multipart/form-data; boundary=', 'application/jsonp',
    'multipart/form-data; boundary=' + 'x' * 5000, 'application/json; charset=utf-16', '/', ';', 'application/octet-stream', 'a' * 6000,
])
def test_an_unknown_content_type_is_a_4xx(server, flow, content_type):
    send(server, flow, b'\x00\x01 no form', content_type)


BROKEN_FORMS = {
    'ten thousand fields': '&'.join(f'f{i}=1' for i in range(10000)), 'one field ten thousand times': 'method=password&' * 10000,
    'ampersands': '&' * 100000, 'escapes': 'method=%zz&identifier=%', 'nul': 'method=pass%00word&identifier=a%00',
    'invalid utf-8': 'method=password&identifier=%ff%fe&password=%c0%af', 'deep name': 'traits' + '.a' * 5000 + '=1',
    'dots': 'traits..email=1&.=2&traits.=3&..=4', 'both': 'traits=1&traits.email=a&traits.email.x=b', 'duplicates':
    'method=password&method=profile&identifier=a&identifier=b&password=c', 'long name': 'a' * 500000 + '=1',
    'semicolons': ';'.join(['method=password'] * 100), 'no value': 'method&identifier&password',
}


@pytest.mark.parametrize('what', BROKEN_FORMS)
def test_broken_or_huge_forms_are_a_4xx(server, flow, what):
    send(server, flow, BROKEN_FORMS[what].encode(), FORM)


BROKEN_MULTIPART = {
    'no end': b'--x\r\nContent-Disposition: form-data; name="method"\r\n\r\npassword', 'empty': b'', 'only end': b'--x--\r\n',
    'no name': b'--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n', 'no headers': b'--x\r\n\r\na\r\n--x--\r\n',
    'many parts': b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n' * 5000 + b'--x--\r\n',
    'nul': b'--x\r\nContent-Disposition: form-data; name="me\x00thod"\r\n\r\npa\x00ss\r\n--x--\r\n',
    'file': b'--x\r\nContent-Disposition: form-data; name="method"; filename="../../x"\r\n\r\npassword\r\n--x--\r\n',
    'long header': b'--x\r\nContent-Disposition: form-data; name="' + b'a' * 100000 + b'"\r\n\r\nb\r\n--x--\r\n',
}


@pytest.mark.parametrize('what', BROKEN_MULTIPART)
def test_broken_multipart_is_a_4xx(server, flow, what):
    send(server, flow, BROKEN_MULTIPART[what], 'multipart/form-data; boundary=x')


@pytest.mark.parametrize('size', [1024 * 1024 + 1, 6 * 1024 * 1024])
@pytest.mark.parametrize('chunked', [False, True], ids=['length', 'chunked'])
def test_a_body_beyond_the_limit_is_413(server, flow, size, chunked):
    kind, id = flow
    connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=20)
    body = b'{"method":"' + b'a' * size
    with Unchanged(server):
        try:
            connection.request('POST', f'/self-service/{kind}?flow={id}', body=iter([body]) if chunked else body,
                               headers={'Content-Type': JSON}, encode_chunked=chunked)
            answer = connection.getresponse()
            assert answer.status == 413 and 'error' in json.loads(answer.read())
        except (BrokenPipeError, ConnectionResetError):
            pass            # it hung up before all was sent: as good
        finally:
            connection.close()


@pytest.mark.parametrize('id', [NIL, 'x', '', '%00', NIL + NIL, "' OR 1=1 --", '..', NIL.upper(), NIL[:-1], 'é', '{}', 'a' * 5000, None])
@pytest.mark.parametrize('kind', ['login', 'registration', 'settings', 'recovery', 'verification'])
def test_an_unknown_or_malformed_flow_is_a_4xx(server, kind, id):
    with Unchanged(server):
        for client in (server.native(), server.ajax()):
            query = {} if id is None else {'id': id}
            assert 400 <= client.get(f'/self-service/{kind}/flows', query).status < 500
            answer = client.post(f'/self-service/{kind}', json.loads(GOOD), {} if id is None else {'flow': id})
            assert 400 <= answer.status < 500


def test_a_flow_of_one_kind_is_none_of_another(server):
    client = server.native()
    login, registration = (client.init(kind).must(200).flow_id for kind in ('login', 'registration'))
    assert client.fetch('registration', login).status == 404
    assert client.post('/self-service/login', json.loads(GOOD), {'flow': registration}).status == 404


def test_a_flow_given_twice_is_the_first_or_none(server):
    client = server.native()
    first, second = (client.init('login').must(200).flow_id for _ in range(2))
    answer = client.get('/self-service/login/flows', {'id': [first, second]})
    assert answer.status == 400 or answer.json['id'] == first


@pytest.mark.parametrize('query', ['a=%', 'a=%zz', '%00=%00', '&&&&', '=', 'refresh=perhaps', 'aal=aal99', 'aal[]=1',
                                   'return_to=%ff', 'identity_schema=nobody', 'a=' + 'b' * 6000, '&'.join(f'a{i}=1' for i in range(500))])
@pytest.mark.parametrize('kind', ['login/browser', 'login/api', 'registration/browser', 'registration/api', 'logout/browser',
                                  'logout', 'errors'])
def test_an_odd_query_is_never_a_5xx(server, kind, query):
    assert server.ajax().get(f'/self-service/{kind}?{query}').status < 500


# -- below HTTP's polite surface ---------------------------------------------------------

def raw(server, data, timeout=10):
    """Bytes as they are; hands back the status, or 0 when the server hung up."""
    with socket.create_connection(('127.0.0.1', server.port), timeout) as s:
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            head = s.recv(65536)
        except OSError:
            return 0
    return int(head.split()[1]) if head.startswith(b'HTTP/') else 0


HOSTILE_HEADERS = {
    'a cookie of a megabyte': b'Cookie: ory_kratos_session=' + b'A' * 1024 * 1024,
    'ten thousand cookies': b'Cookie: ' + b'; '.join(b'ory_kratos_session=%d' % i for i in range(500)),
    'a broken cookie': b'Cookie: ===;;;=;ory_kratos_session;"',
    'a cookie of control bytes': b'Cookie: ory_kratos_session=\x01\x7f\xff',
    'many cookie headers': b'\r\n'.join([b'Cookie: ory_kratos_session=x'] * 50),
    'an empty token': b'X-Session-Token:', 'a token of blanks': b'X-Session-Token:     ',
    'two tokens': b'X-Session-Token: a\r\nX-Session-Token: b', 'a bearer with nothing': b'Authorization: Bearer ',
    'a bearer with three words': b'Authorization: Bearer a b', 'odd accept': b'Accept: ;q=,,/;;q=9e999,*/*;q=-1',
    'a long accept': b'Accept: ' + b'text/html;q=0.1,' * 400, 'nul': b'X-Session-Token: a\x00b',
    'ten thousand headers': b'\r\n'.join(b'X-%d: 1' % i for i in range(10000)),
    'a forged forwarded address': b"X-Forwarded-For: ' OR 1=1, \xff, <script>\r\nTrue-Client-IP: ::::::\r\nUser-Agent: \xff\xfe\x01",
}


@pytest.mark.parametrize('what', HOSTILE_HEADERS)
@pytest.mark.parametrize('path', ['/sessions/whoami', '/self-service/login/api', '/self-service/logout/browser', '/sessions'])
def test_hostile_headers_are_never_a_5xx(server, path, what):
    data = f'GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n'.encode() + HOSTILE_HEADERS[what] + b'\r\nConnection: close\r\n\r\n'
    status = raw(server, data)
    assert status < 500
    assert status != 200 or 'login' in path


def test_hostile_headers_at_login_are_kept_harmless(server):
    client = server.native()
    flow = client.init('login').must(200)
    body = json.dumps({'method': 'password', 'identifier': server.account, 'password': PASSWORD}).encode()
    head = (f'POST /self-service/login?flow={flow.flow_id} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {JSON}\r\n'
            f'Content-Length: {len(body)}\r\n').encode()
    answer = raw(server, head + b'User-Agent: \xff\xfe<script>' + b'x' * 4000 + b'\r\nX-Real-IP: nonsense\r\nConnection: close\r\n\r\n' + body)
    assert answer == 200


def test_requests_that_end_too_early_leave_nothing_behind(server):
    with Unchanged(server):
        for data in (b'POST /self-service/login?flow=' + NIL.encode() + b' HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{',
                     b'POST /self-service/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n{',
                     b'GET /self-service/login/api HTTP/1.1\r\n', b'\x16\x03\x01\x02\x00\x01\x00', b'\r\n\r\n\r\n'):
            assert raw(server, data) < 500
    assert server.native().init('login').status == 200


# -- and all of it again and again --------------------------------------------------------

def memory(server):
    """Kilobytes that httpd's children hold."""
    sizes = [line.split()[1] for pid in server.httpd()[1:] for line in Path(f'/proc/{pid}/status').read_text().splitlines()
             if line.startswith('VmRSS')]
    return sum(map(int, sizes))


REQUESTS = [
    ('GET', '/sessions/whoami', None, {}), ('GET', '/self-service/login/flows?id=' + NIL, None, {}),
    ('POST', '/self-service/login?flow=' + NIL, b'{"method":', {'Content-Type': JSON}),
    ('POST', '/self-service/login?flow=' + NIL, b'[' * 5000, {'Content-Type': JSON}),
    ('POST', '/self-service/registration?flow=x', b'a=b&' * 500, {'Content-Type': FORM}),
    ('GET', '/sessions', None, {'X-Session-Token': 'ory_st_' + 'A' * 32}), ('GET', '/nope', None, {}),
    ('GET', '/sessions/whoami', None, {'Cookie': 'ory_kratos_session=' + 'A' * 3000}), ('GET', '/schemas/person', None, {}),
    ('GET', '/self-service/errors?id=' + NIL, None, {}),
]


def repeat(server, times):
    """Plays REQUESTS over one connection that is kept as long as the server likes."""
    connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=10)
    for _ in range(times):
        for method, path, body, headers in REQUESTS:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status < 500
    connection.close()


@pytest.mark.slow
def test_ten_thousand_requests_do_not_make_it_grow(server, request):
    if request.config.getoption('--san'):
        pytest.skip('the sanitizer keeps freed memory for a while')
    repeat(server, 500)                     # pools and caches reach their size
    before = memory(server)
    repeat(server, 1000)
    assert memory(server) - before < 2048, f'{before} KiB grew to {memory(server)} KiB'
