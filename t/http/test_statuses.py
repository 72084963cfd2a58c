# SPDX-License-Identifier: Apache-2.0
"""Every operation answers only with statuses that Kratos' OpenAPI document names for it, whatever somebody sends."""
from urllib.parse import quote

import pytest

from lib.account import account
from lib.clients import new_email
from lib.settings import merge, nested

NIL = '00000000-0000-4000-8000-000000000000'
JSON, FORM, HTML = 'application/json', 'application/x-www-form-urlencoded', 'text/html,application/xhtml+xml'

# Method, path, the statuses that the document of the public API names ("default" is an error), and the parameters of the query.
DOCUMENT = '''
GET    /.well-known/change-password         303 default
GET    /.well-known/ory/webauthn.js         200
GET    /health/alive                        200 default
GET    /health/ready                        200 503 default
GET    /schemas                             200 default                         per_page page page_size page_token
GET    /schemas/person                      200 404 default
GET    /self-service/errors                 200 403 404 500                     id error
GET    /self-service/fed-cm/parameters      200 400 default
POST   /self-service/fed-cm/token           200 303 400 410 422 default
POST   /self-service/login                  200 303 400 410 422 default         flow
GET    /self-service/login/api              200 400 default                     refresh aal return_session_token_exchange_code return_to organization via identity_schema
GET    /self-service/login/browser          200 303 400 default                 refresh aal return_to organization via identity_schema
GET    /self-service/login/flows            200 403 404 410 default             id
GET    /self-service/logout                 204 303 default                     token return_to
DELETE /self-service/logout/api             204 400 default
GET    /self-service/logout/browser         200 400 401 500                     return_to
POST   /self-service/recovery               200 303 400 410 422 default         flow token
GET    /self-service/recovery/api           200 400 default                     return_to
GET    /self-service/recovery/browser       200 303 400 default                 return_to skip_settings
GET    /self-service/recovery/flows         200 404 410 default                 id
POST   /self-service/registration           200 303 400 410 422 default         flow
GET    /self-service/registration/api       200 400 default                     return_session_token_exchange_code return_to organization identity_schema
GET    /self-service/registration/browser   200 303 default                     return_to after_verification_return_to organization identity_schema
GET    /self-service/registration/flows     200 403 404 410 default             id
POST   /self-service/settings               200 303 400 401 403 410 422 default flow
GET    /self-service/settings/api           200 400 default                     organization
GET    /self-service/settings/browser       200 303 400 401 403 default         return_to organization
GET    /self-service/settings/flows         200 401 403 404 410 default         id
POST   /self-service/verification           200 303 400 410 default             flow token code
GET    /self-service/verification/api       200 400 default                     return_to
GET    /self-service/verification/browser   200 303 default                     return_to
GET    /self-service/verification/flows     200 403 404 default                 id
DELETE /sessions                            200 400 401 default
GET    /sessions                            200 400 401 default                 per_page page page_size page_token
GET    /sessions/token-exchange             200 403 404 410 422 default         init_code return_to_code
GET    /sessions/whoami                     200 401 403 default                 tokenize_as
DELETE /sessions/SESSION                    204 400 401 default
'''

BAD_INPUT = {400, 404, 405, 413, 414, 415}
# People are sent somewhere with 302 at some places and 303 at others, and clients follow either. Two places send people on
# (to sign in, to the page of errors) where the document forgot it; all of that is recorded so.
SENT_ON = {'/self-service/settings/flows', '/self-service/logout/browser'}


class Operation:
    def __init__(self, line):
        self.method, self.path, *rest = line.split()
        words = [word for word in rest if not word.isdigit() and word != 'default']
        self.named = {int(word) for word in rest if word.isdigit()}
        self.default = 'default' in rest
        self.params = words
        self.submit = self.method == 'POST' and '/fed-cm/' not in self.path
        self.kind = self.path.split('/')[2] if self.path.startswith('/self-service/') else None

    def may_say(self, status):
        """A server's own fault is none that somebody may cause by what they send, wherever it is named."""
        if status >= 500:
            return False
        if status in (302, 303):
            return 303 in self.named or self.path in SENT_ON
        return status in self.named | BAD_INPUT or (self.default and 400 <= status < 500)


OPERATIONS = {f'{op.method} {op.path}': op for op in map(Operation, DOCUMENT.strip().splitlines())}


@pytest.fixture(scope='module')
def server(request, database):
    from conftest import end, start
    server = start(request, database, changes=merge(account(), nested('selfservice.flows.registration.after', {'password': {'hooks': []}})))
    yield server
    end(server)


KINDS = {HTML: 'browsing', JSON: 'scripting', None: 'in an app'}


# -- who asks ----------------------------------------------------------------------------

def stranger(server, accept):
    client = server.native() if accept is None else server.browser() if accept == HTML else server.ajax()
    client.accept = accept or '*/*'
    return client


def somebody(server, accept):
    client = stranger(server, accept)
    email = new_email()
    server.native().register(email).must(200)
    client.login(email).must(200, 303)
    return client


@pytest.fixture(params=[(stranger, HTML), (stranger, JSON), (somebody, HTML), (somebody, None)],
                ids=lambda p: f'{p[0].__name__} {KINDS[p[1]]}')
def client(request, server):
    who, accept = request.param
    return who(server, accept)


@pytest.fixture(params=OPERATIONS)
def operation(request):
    return OPERATIONS[request.param]


class Asked:
    """Sends requests to one operation, and keeps those with an answer that the document does not know."""

    def __init__(self, operation, client):
        self.operation, self.client, self.wrong = operation, client, []

    def __call__(self, path=None, query='', may=None, method=None, **kw):
        path = self.client.t.public + (path or self.operation.path).replace('SESSION', NIL)
        cookies = dict(self.client.cookies)
        answer = self.client.request(method or self.operation.method, f'{path}?{query}' if query else path, **kw)
        self.client.cookies = cookies               # each asks as the first did
        if not (may or self.operation.may_say)(answer.status):
            self.wrong.append(f'{method or self.operation.method} {path}?{query} {kw}'[:300] + f': {answer.status}')
        return answer

    def done(self):
        assert not self.wrong, '\n'.join(self.wrong[:20])


@pytest.fixture
def ask(operation, client):
    ask = Asked(operation, client)
    yield ask
    ask.done()


# -- what they ask -----------------------------------------------------------------------

ODD = ['', 'x', 'true', '-1', NIL, NIL.upper(), NIL[:-1], '[]', '%00', '%zz', '%ff', '%F0%9F%98%80', quote("' OR 1=1 --", safe=''),
       'https:%2F%2Fevil.example%2F', '%2F%2Fevil.example', 'javascript:alert(1)', '9' * 400, 'a' * 5000]


def test_odd_parameters(ask, operation):
    ask()
    for name in operation.params + ['nobody_asked']:
        for value in ODD:
            ask(query=f'{name}={value}')
        for query in (name, f'{name}=1&{name}=2', f'{name}[]=1', f'{name.upper()}=x', f'&&{name}=1&='):
            ask(query=query)
    ask(query='&'.join(f'{name}=x' for name in operation.params))
    ask(query='&'.join(f'a{i}=1' for i in range(600)))
    ask(query='a=' + 'b' * 20000)


def test_other_paths(ask, operation):
    def nothing(status):
        return status in (403, 404, 405, 400)

    for path in (operation.path + '/', operation.path + '/x', operation.path + '%00', operation.path + ';x'):
        if operation.path not in ('/sessions', '/schemas/person', '/sessions/SESSION', '/schemas'):
            ask(path, may=nothing)
    if 'SESSION' not in operation.path and operation.path != '/schemas/person':
        ask(operation.path.upper(), may=nothing)
        ask(operation.path.title(), may=nothing)
    ask('/' + operation.path, may=lambda status: status in (307, 403))


def test_other_methods(ask, operation):
    alone = {op.method for op in OPERATIONS.values() if op.path == operation.path}
    takes_get = operation.submit or operation.path == '/sessions/whoami'
    for method in ('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'FOO', 'get'):
        own = method in alone or (method == 'HEAD' and 'GET' in alone) or (takes_get and method in ('GET', 'HEAD'))
        if operation.path == '/sessions/whoami':
            own = method not in ('FOO', 'get')
        if method not in alone:
            ask(method=method, may=operation.may_say if own else lambda status: status in (400, 401, 403, 404, 405, 501))


TEXTS = [None, True, 0, -1, 7300120045, 2.5, [], {}, ['x'], {'a': 'b'}, '', ' ', 'x', 'a' * 5000, 'é', '123456', NIL]
FIELDS = {'login': ['method', 'identifier', 'password', 'code', 'csrf_token'],
          'registration': ['method', 'password', 'traits', 'transient_payload', 'csrf_token', 'screen'],
          'settings': ['method', 'password', 'traits', 'transient_payload', 'csrf_token', 'revoke_other_sessions'],
          'recovery': ['method', 'email', 'code', 'token', 'csrf_token', 'screen', 'recovery_address'],
          'verification': ['method', 'email', 'code', 'token', 'csrf_token']}
METHODS = {'recovery': 'code', 'verification': 'code', 'settings': 'profile'}
BODIES = [(b'', None), (b'', JSON), (b'', FORM), (b'{', JSON), (b'[]', JSON), (b'null', JSON), (b'1', JSON), (b'"x"', JSON), (b'{}', JSON),
          (b'{}', FORM), (b'{}', 'text/plain'), (b'method=%zz', FORM), (b'\xff', FORM), (b'\xff', JSON), (b'=&=&', FORM),
          (b'method=password&method=code', FORM), (b'[' * 5000, JSON), (b'--x--\r\n', 'multipart/form-data; boundary=x'),
          (b'traits=x', FORM), (b'traits.email.x=1&traits.email=2', FORM), (b'x', 'application/json; charset=utf-16')]


def begin(server, client, kind):
    """Id and token of a flow. Who is signed in takes one from before that, and who is not has none of settings."""
    begun = client.init(kind, {'refresh': 'true'} if kind == 'login' else None, accept=JSON)
    if begun.status != 200 and kind != 'settings':
        client = stranger(server, client.accept)
        begun = client.init(kind, accept=JSON).must(200)
    return (begun.flow_id, begun.csrf) if begun.status == 200 else (NIL, None)


@pytest.mark.san
@pytest.mark.parametrize('operation', [name for name, op in OPERATIONS.items() if op.submit], indirect=True)
def test_odd_submits(server, ask, operation, client):
    kind = operation.kind
    flow, csrf = begin(server, client, kind)
    for body, content_type in BODIES:
        ask(query=f'flow={flow}', raw=body, content_type=content_type)
    good = {'method': METHODS.get(kind, 'password'), 'csrf_token': csrf}
    assert flow == NIL or ask(query=f'flow={flow}', json_=good).status not in (401, 404), 'it is a flow that is there'
    for field in FIELDS[kind]:
        for value in TEXTS:
            ask(query=f'flow={flow}', json_={**good, field: value})
        ask(query=f'flow={flow}', form={**good, field: 'x'})
    ask(query=f'flow={flow}&flow={NIL}', json_=good)
    ask(query=f'flow={flow}', json_={**good, 'csrf_token': None})


# -- what the document says otherwise than a guess would ----------------------------------------

@pytest.mark.parametrize('path', ['/self-service/errors', '/self-service/verification/flows', '/self-service/login/flows',
                                  '/self-service/recovery/flows', '/self-service/registration/flows'])
@pytest.mark.parametrize('query', ['', 'id=', 'id=x', 'id=' + NIL, 'id=' + NIL[:-1], 'other=1', 'id=%20'])
def test_what_is_not_named_or_not_there_is_404(server, path, query):
    for client in (server.browser(), server.ajax(), server.native()):
        assert client.get(f'{path}?{query}').status == 404


def test_exchange_codes_that_miss_are_400_and_wrong_ones_404(server):
    client = server.native()
    assert client.get('/sessions/token-exchange').status == 400
    assert client.get('/sessions/token-exchange?init_code=a&return_to_code=').status == 400
    assert client.get('/sessions/token-exchange?init_code=a&return_to_code=b').status == 404


def test_the_document_is_whole():
    assert len(OPERATIONS) == 37 and sum(op.submit for op in OPERATIONS.values()) == 5
