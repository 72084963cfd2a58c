# SPDX-License-Identifier: Apache-2.0
"""Apps make numbers and truth values of what people type. It arrives as it was typed, in every form that takes a text."""
import json

import pytest

from lib.account import account, can_sign_in, is_verified, member, person
from lib.clients import PASSWORD, messages, new_email
from lib.mailbox import RECOVERY, VERIFICATION
from lib.settings import inline, nested

pytestmark = [pytest.mark.san, pytest.mark.rules]
APPS = ('ajax', 'native')
NUMBERS = ['7300120045', '-7300120045', '98765432109876543210987654321', '2718.2818']


@pytest.fixture(scope='module')
def server(request, database, post):
    """People have a user name beside the address, which may be digits."""
    from conftest import end, start
    schema = person()
    schema['properties']['traits']['properties']['name']['ory.sh/kratos'] = {'credentials': {'password': {'identifier': True}}}
    tree = account(uri=post.uri) | {'identity': {'schemas': [{'id': 'person', 'url': inline(schema)}]}}
    tree['selfservice']['methods']['password'] = {'config': {'min_password_length': 6, 'identifier_similarity_check_enabled': False}}
    server = start(request, database, tree)
    yield server
    end(server)


@pytest.fixture(params=APPS)
def app(request):
    return request.param


class Raw(str):
    """JSON that Python would write otherwise."""


def send(client, kind, flow, **fields):
    """Submits JSON whose Raw members stand in it as they are."""
    if client.kind != 'native':
        fields['csrf_token'] = flow.csrf
    body = '{' + ', '.join(f'"{name}": {value if isinstance(value, Raw) else json.dumps(value)}' for name, value in fields.items()) + '}'
    return client.request('POST', f'/self-service/{kind}', query={'flow': flow.flow_id}, raw=body, content_type='application/json')


def sign_in(server, app, **fields):
    client = server.client(app)
    return send(client, 'login', client.start('login'), method='password', **fields)


@pytest.mark.parametrize('typed', NUMBERS)
def test_a_password_that_looks_like_a_number(server, app, typed):
    client, email = server.client(app), new_email()
    answer = send(client, 'registration', client.start('registration'), method='password', password=Raw(typed),
                  traits={'email': email})
    assert answer.status == 200, messages(answer)
    assert can_sign_in(server, email, typed)
    assert sign_in(server, app, identifier=email, password=Raw(typed)).status == 200
    client._keep_token(answer)
    changed = send(client, 'settings', client.start('settings'), method='password', password=Raw('4815162342'))
    assert 1050001 in messages(changed.must(200))
    assert can_sign_in(server, email, '4815162342') and not can_sign_in(server, email, typed)


def test_a_user_name_that_looks_like_a_number(server, app):
    name = f'73001{new_email().split("@")[0].split(".")[1]}'
    member(server, app, name=name)
    assert sign_in(server, app, identifier=Raw(name), password=PASSWORD).status == 200
    assert 4000006 in messages(sign_in(server, app, identifier=Raw(name + '9'), password=PASSWORD).must(400))


def no_leading_zero(client, kind, email, post, subject):
    """The flow and a code that JSON can hold as a number."""
    flow = client.start(kind)
    while True:
        before = len(post.to(email, subject))
        flow = client.step(kind, flow, {'method': 'code', 'email': email})
        code = post.wait(email, subject, before + 1).code
        if not code.startswith('0'):
            return flow, code


def test_a_code_of_recovery_as_a_number(server, post, app):
    email, client = member(server).email, server.client(app)
    flow, code = no_leading_zero(client, 'recovery', email, post, RECOVERY)
    answer = send(client, 'recovery', flow, method='code', code=Raw(code))
    assert answer.status in (200, 422) and 4060006 not in (messages(answer) if answer.status == 200 else [])


def test_a_code_of_verification_as_a_number(server, post, app):
    client = member(server, app)
    post.wait(client.email, VERIFICATION)       # the one of the registration
    flow, code = no_leading_zero(client, 'verification', client.email, post, VERIFICATION)
    assert 1080002 in messages(send(client, 'verification', flow, method='code', code=Raw(code)).must(200))
    assert is_verified(client)


@pytest.mark.parametrize('kind', ['login', 'registration', 'recovery', 'verification'])
def test_a_method_of_digits_is_an_unknown_one(server, app, kind):
    def said(method):
        client = server.client(app)
        fields = {'traits': {'email': new_email()}} if kind == 'registration' else {}
        return messages(send(client, kind, client.start(kind), method=method, **fields).must(400))
    assert said(Raw('7')) == said('7') and (kind != 'login' or said(Raw('7')) == [4010002])


@pytest.mark.parametrize('value', ['[]', '["x"]', '{}', '{"x": 1}'])
@pytest.mark.parametrize('kind, field', [('login', 'identifier'), ('login', 'password'), ('login', 'method'), ('registration', 'password'),
                                         ('recovery', 'email'), ('verification', 'email'), ('verification', 'code')])
def test_a_list_or_an_object_is_refused_in_words(server, app, kind, field, value):
    client = server.client(app)
    fields = {'method': 'code' if kind in ('recovery', 'verification') else 'password', 'identifier': 'x', 'password': 'y',
              field: Raw(value)}
    answer = send(client, kind, client.start(kind), **fields).must(400)
    said, = answer.json['ui']['messages']
    assert said['id'] == 4000001 and field in said['context']['reason']


def test_traits_and_payload_keep_their_types(server, app):
    client = server.client(app)
    flow = client.start('registration')
    answer = send(client, 'registration', flow, method='password', password=PASSWORD, traits={'email': new_email(), 'name': 7})
    assert 4000026 in messages(answer.must(400))
    answer = send(client, 'registration', flow, method='password', password=PASSWORD, traits={'email': new_email()},
                  transient_payload=7).must(400)
    assert 4000001 in messages(answer)
