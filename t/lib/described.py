# SPDX-License-Identifier: Apache-2.0
"""docs/openapi.json, read strictly, and visitors of each kind who do what it says may be done. Schemathesis makes up what they send."""
import copy
import json
import os
import re
import sys
import zlib
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from random import Random
from urllib.parse import parse_qs, urlsplit

from .clients import PASSWORD, _client, new_email
from .settings import PERSON, UI

# They bring plugins, for which pytest would rewrite the asserts of all their modules, at each start: not for us.
_rewriting = [finder for finder in sys.meta_path if type(finder).__name__ == 'AssertionRewritingHook']
sys.meta_path[:] = [finder for finder in sys.meta_path if finder not in _rewriting]
import requests  # noqa: E402
import schemathesis  # noqa: E402
from hypothesis import HealthCheck, Phase, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from schemathesis.checks import not_a_server_error  # noqa: E402
from schemathesis.specs.openapi.checks import (  # noqa: E402
    content_type_conformance, response_headers_conformance, response_schema_conformance, status_code_conformance)
sys.meta_path[:0] = _rewriting

FILE = Path(__file__).resolve().parents[2] / 'docs' / 'openapi.json'
EXAMPLES = int(os.environ.get('EXAMPLES', 0))       # of each operation; 0: as few as a test says
SHAPES = [status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance]
BY_HTTPD = 'text/html; charset=iso-8859-1'          # its own refusals: a URL that is too long, a header that is none
FLOWS = ('login', 'registration', 'settings', 'recovery', 'verification')
FORMS = ['application/x-www-form-urlencoded', 'multipart/form-data']
# What a parameter may be that has a meaning here; any other text is tried, too.
MEANS = {'return_to': [UI + '/on', ''], 'identity_schema': ['person'], 'login_challenge': ['known'], 'via': ['email'], 'state': [''],
         'organization': ['00000000-0000-4000-8000-000000000000'], 'page_token': ['eyJvZmZzZXQiOiIxIiwidiI6Mn0']}


def description():
    return json.loads(FILE.read_text())


def closed(schema):
    """What an answer holds beyond its schema is a leak, or missing there."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: closed(part) for name, part in schema.items()}
    return {'additionalProperties': False, **schema} if 'type' in schema and isinstance(schema.get('properties'), dict) else schema


def strict():
    """The description as the tests read it: schemas are closed, traits are those of the tests' people, and parameters mean something at times."""
    told = description()
    told['components']['schemas'] = closed(told['components']['schemas']) | {'traits': PERSON['properties']['traits']}
    for name, values in MEANS.items():
        parameter = told['components']['parameters'][name]
        parameter['schema'] = {'anyOf': [{'enum': values}, parameter['schema']]}
    return schemathesis.openapi.from_dict(told, config=schemathesis.Config.from_dict({'generation': {'deterministic': True}}))


def made_up(operation):
    """What may be asked of it, and what may not."""
    return st.one_of([operation.as_strategy(generation_mode=mode) for mode in schemathesis.GenerationMode])


def examples(few):
    """Settings of a run. The same requests come each time; what is found is told as it was met."""
    return settings(max_examples=EXAMPLES or few, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck))


def id_of(case):
    return case.operation.definition.raw['operationId']


def wrong(case, answer, checks=(not_a_server_error, *SHAPES)):
    """What is wrong with an answer, or None."""
    try:
        case.validate_response(answer, checks=list(checks))
    except BaseExceptionGroup as err:
        return err.message
    return None


class Told:
    """Looks at what the clients of a test are answered, too. A 5xx is that test's affair."""

    def __init__(self, schema=None):
        self.schema, self.looked = schema or strict(), 0
        self.paths = {path: re.compile(re.sub(r'\\{.*?\\}', '[^/]+', re.escape(path))) for path in self.schema}

    def look(self, method, target, answer):
        target = urlsplit(target).path
        path = next((path for path, pattern in self.paths.items() if pattern.fullmatch(target)), None)
        operation = path and method.isupper() and dict(self.schema[path]).get(method.lower())
        if not operation or answer.header('Content-Type') == BY_HTTPD:
            return
        self.looked += 1
        sent = requests.Request(method, 'http://127.0.0.1' + target).prepare()
        headers = {}
        for name, value in answer.headers:
            headers.setdefault(name, []).append(value)
        said = schemathesis.Response(answer.status, headers, answer.body, sent, 0, False)
        fault = wrong(operation.Case(path_parameters=dict.fromkeys(re.findall('{(.*?)}', path), 'x')), said, SHAPES)
        assert not fault, f'{method} {target}: {fault}'


class Visitor:
    """
    Sends what was made up, as a client of its kind does: with its cookies or token, as somebody or nobody; and often with what means something
    here in place of what does not: a flow of its own and that flow's token, an account, a session.
    """

    def __init__(self, server, kind):
        self.server, self.kind = server, kind
        self.web = requests.Session()
        self.web.trust_env = False
        self.web.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))    # the client keeps them
        self.clients = {}
        self.type = 'api' if kind == 'native' else 'browser'
        self.flows, self.errors = {}, ['stub:500']
        self.arrive(False)
        self.arrive(True)

    def arrive(self, member):
        """Anew: who was somebody has signed out, or changed the password; who was nobody has signed in."""
        self.clients[member] = self.server.client(self.kind)
        self.flows = {whose: flows for whose, flows in self.flows.items() if whose[0] != member}
        if member:
            self.email = new_email(self.kind)
            self.clients[True].register(self.email).must(200, 303)

    # -- what means something ----------------------------------------------------

    def keep(self, member, answer):
        """Flows, and errors, that it was told of."""
        body = answer.json() if answer.content and 'json' in answer.headers.get('content-type', [''])[0] else None
        kind = urlsplit(body['ui']['action']).path.rpartition('/')[2] if isinstance(body, dict) and 'ui' in body else None
        if kind in FLOWS and body['type'] == self.type:
            self.flows.setdefault((member, kind), []).append(body)
            del self.flows[member, kind][:-6]
        to = parse_qs(urlsplit(answer.headers.get('location', [''])[0]).query)
        self.errors = (self.errors + to.get('id', []))[-4:]

    def flow(self, coin, member, kind):
        """One of its flows, a late one."""
        mine = self.flows.get((member, kind), [])
        if not mine or coin.random() < 0.1:
            begun = self.clients[member].init(kind, accept='application/json')
            mine = [begun.json] if begun.status == 200 else mine
            self.flows[member, kind] = mine
        return coin.choice(mine[-2:]) if mine else None

    def another_session(self):
        self.server.client(self.kind).login(self.email)
        others = self.clients[True].get('/sessions', accept='application/json')
        return others.json[0]['id'] if others.status == 200 and others.json else None

    def fill_body(self, coin, body, flow):
        nodes = [node['attributes'] for node in flow['ui']['nodes'] or []]
        tokens = [node['value'] for node in nodes if node.get('name') == 'csrf_token']
        if self.kind != 'native' and tokens and coin.random() < 0.85:
            body['csrf_token'] = tokens[0]
        if coin.random() < 0.5:
            body |= {name: value for name, value in {'identifier': self.email, 'password': PASSWORD, 'email': self.email}.items() if name in body}
        if isinstance(body.get('traits'), dict) and coin.random() < 0.4:
            body['traits']['email'] = new_email('made')

    def fill_flow(self, coin, case, member, kind):
        """@return for whom that is, then: who is signed in may have none"""
        flow = self.flow(coin, member, kind)
        if not flow:
            member, flow = False, self.flow(coin, False, kind)
        if flow:
            case.query['id' if id_of(case).startswith('get') else 'flow'] = flow['id']
        if flow and isinstance(case.body, dict):
            self.fill_body(coin, case.body, flow)
        return member

    def fill_else(self, coin, case):
        client, id = self.clients[True], id_of(case)
        if id == 'getFlowError':
            case.query['id'] = coin.choice(self.errors)
        elif id == 'updateLogoutFlow':
            begun = client.get('/self-service/logout/browser', accept='application/json')
            case.query['token'] = begun.json.get('logout_token', '') if begun.status == 200 else ''
        elif id == 'performNativeLogout' and isinstance(case.body, dict) and client.token:
            case.body['session_token'] = client.token
        elif id == 'disableMySession':
            case.path_parameters['id'] = self.another_session() or case.path_parameters['id']
        elif id == 'getIdentitySchema':
            case.path_parameters['id'] = 'person'

    def fill(self, case):
        """@return does somebody ask, or nobody?"""
        # a coin of the case alone: what is sent is the same in each run
        made = (case.method, case.path, case.path_parameters, case.query, dict(case.headers), case.body)
        coin = Random(zlib.crc32(repr(made).encode(errors='replace')))
        id = id_of(case)
        kind = 'login' if id == 'updateFedcmFlow' else next((kind for kind in FLOWS if re.match(f'(get|update){kind.title()}Flow', id)), None)
        member = coin.random() < (0.8 if kind == 'settings' else 0.35 if kind else 0.6)
        if coin.random() < 0.1:
            return member
        case.headers.pop('X-Session-Token', None)
        if self.kind == 'browser' and isinstance(case.body, dict):
            case.media_type, case.body = coin.choice(FORMS), dict(_client.flatten(case.body))
        if kind:
            return self.fill_flow(coin, case, member, kind)
        self.fill_else(coin, case)
        return member

    # -- sending -------------------------------------------------------------------

    def send(self, case, member=False):
        """As it is. @return the answer"""
        client = self.clients[member]
        headers = {'Accept': client.accept, 'X-Session-Token': client.token,
                   'Cookie': '; '.join(f'{name}={value}' for name, value in client.cookies.items())}
        answer = case.call(self.server.url, session=self.web, headers={name: value for name, value in headers.items() if value},
                           allow_redirects=False)
        client._store([('Set-Cookie', value) for value in answer.headers.get('set-cookie', [])])
        self.keep(member, answer)
        if member and (answer.status_code == 401 or 'ogout' in case.path) or not member and client.cookie('ory_kratos_session')[0]:
            self.arrive(member)
        return answer

    def ask(self, made):
        """In its way. @return what is wrong with the answer, or None"""
        parts = {name: getattr(made, name) for name in ('path_parameters', 'headers', 'cookies', 'query', 'body')}
        parts = {name: copy.deepcopy(part) if isinstance(part, (Mapping, list)) else part for name, part in parts.items()}
        case = made.operation.Case(method=made.method, media_type=made.media_type, **parts)
        said = wrong(case, self.send(case, self.fill(case)))
        return said and f'{self.kind}: {said}'
