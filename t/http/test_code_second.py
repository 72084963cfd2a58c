# SPDX-License-Identifier: Apache-2.0
"""A code as second factor: by mail or by text message, to the address that was chosen, for the person who is signed in."""
import json

import pytest

from lib.account import account, person
from lib.clients import PASSWORD, messages, new_email
from lib.factors import at_once
from lib.levels import SIGN_IN
from lib.mailbox import RECOVERY, Service
from lib.serving import wait_for
from lib.settings import UI, inline, merge, nested

pytestmark = pytest.mark.san
_phones = iter(range(1000, 9999))


def schema():
    """A mail address and a phone, both for codes; the mail address signs in by password."""
    document = person({'identifier': True, 'via': 'email'})
    traits = document['properties']['traits']['properties']
    traits['phone'] = json.loads(json.dumps(traits['email']).replace('"email"', '"sms"')) | {'format': 'tel'}
    del traits['phone']['ory.sh/kratos']['credentials']['password']
    return inline(document)


@pytest.fixture(scope='module')
def service():
    service = Service()
    yield service
    service.close()


@pytest.fixture(scope='module')
def server(request, database, post, service):
    from conftest import end, start
    tree = merge(account(uri=post.uri), nested('selfservice.methods.code', {'enabled': True, 'mfa_enabled': True}))
    tree['identity'] = {'schemas': [{'id': 'person', 'url': schema()}]}
    tree['courier']['channels'] = [{'id': 'sms', 'type': 'http', 'request_config': {'url': service.url + '/sms'}}]
    tree = merge(tree, nested('session.whoami.required_aal', 'aal1'))
    server = start(request, database, tree)
    yield server
    end(server)


def somebody(server, kind, phone=True):
    client = server.client(kind)
    client.email, client.phone = new_email(), f'+49170123{next(_phones)}' if phone else None
    client.register(client.email, **({'phone': client.phone} if phone else {})).must(200, 303)
    return client


def asked(client, query=None):
    return client.start('login', {'aal': 'aal2', **(query or {})})


def level(client):
    return client.session()['authenticator_assurance_level']


def named(flow, name):
    return [n for n in flow.json['ui']['nodes'] if n['attributes'].get('name') == name]


def texts(service, phone):
    """Bodies of the text messages with codes to sign in."""
    return [m['body'] for m in service.to(phone) if m['template_type'] == 'login_code_valid']


def texted(service, phone):
    body = wait_for(lambda: texts(service, phone))[-1]
    return next(word for word in body.split() if word.isdigit() and len(word) == 6)


@pytest.mark.parametrize('chosen', ['email', 'phone'])
def test_the_code_goes_where_its_owner_says_and_the_form_keeps_that(server, post, service, kind, chosen):
    client = somebody(server, kind)
    flow = asked(client)
    labels = {n['attributes']['value']: n['meta']['label']['context']['channel'] for n in named(flow, 'address')}
    assert labels == {client.email: 'email', client.phone: 'sms'} and flow.json['state'] == 'choose_method'
    address, other = (client.email, client.phone) if chosen == 'email' else (client.phone, client.email)
    sent = client.step('login', flow, {'address': address})
    assert messages(sent) == [1010025] and sent.json['state'] == 'sent_email'
    assert [n['attributes']['value'] for n in named(sent, 'identifier')] == [address] and not named(sent, 'address')
    code = post.wait(client.email, SIGN_IN).code if chosen == 'email' else texted(service, client.phone)
    wrong = f'{(int(code) + 1) % 1000000:06}'
    again = client.step('login', sent, {'method': 'code', 'identifier': address, 'code': wrong})
    assert messages(again) == [4010008] and [n['attributes']['value'] for n in named(again, 'identifier')] == [address]
    assert level(client) == 'aal1'
    client._keep_token(client.submit('login', again, {'method': 'code', 'identifier': address, 'code': code}).must(200, 303))
    assert level(client) == 'aal2'
    assert not (post.to(client.email, SIGN_IN) if chosen == 'phone' else texts(service, client.phone))


def test_who_has_one_address_gets_the_code_at_once(server, post, kind):
    client = somebody(server, kind, phone=False)
    flow = asked(client)
    assert flow.json['state'] == 'sent_email' and messages(flow) == [1010025]
    code = post.wait(client.email, SIGN_IN).code
    client._keep_token(client.submit('login', flow, {'method': 'code', 'code': code}).must(200, 303))
    assert level(client) == 'aal2'


def test_a_newer_code_takes_the_place_of_the_one_before_also_by_the_other_way(server, post, service):
    client = somebody(server, 'ajax')
    sent = client.step('login', asked(client), {'address': client.email})
    first = post.wait(client.email, SIGN_IN).code
    sent = client.step('login', sent, {'method': 'code', 'resend': 'code', 'identifier': client.phone})
    assert [n['attributes']['value'] for n in named(sent, 'identifier')] == [client.phone]
    second = texted(service, client.phone)
    if first != second:
        client.submit('login', sent, {'method': 'code', 'code': first}).must(400)
    client.submit('login', sent, {'method': 'code', 'code': second}).must(200)
    assert level(client) == 'aal2'


def test_a_code_of_a_recovery_is_no_second_factor(server, post):
    client = somebody(server, 'native', phone=False)
    flow = asked(client)
    post.wait(client.email, SIGN_IN)
    stranger = server.native()
    stranger.submit('recovery', stranger.start('recovery'), {'method': 'code', 'email': client.email}).must(200)
    code = post.wait(client.email, RECOVERY).code
    assert messages(client.submit('login', flow, {'method': 'code', 'code': code}).must(400)) == [4010008]
    assert level(client) == 'aal1'


def test_a_code_signs_nobody_in_by_itself_where_it_is_a_second_factor(server, kind):
    client = somebody(server, kind)
    stranger = server.client(kind)
    flow = stranger.start('login')
    assert not [n for n in named(flow, 'method') if n['attributes']['value'] == 'code']
    for fields in ({'method': 'code', 'identifier': client.email}, {'address': client.email}, {'method': 'code', 'code': '123456'}):
        after = stranger.step('login', flow, fields)
        assert after.json['state'] == 'choose_method' and 4010002 in messages(after)
    assert stranger.whoami().status == 401


def test_an_address_that_is_not_theirs_is_not_written_to(server, post, kind):
    client, eve = somebody(server, kind), somebody(server, kind)
    for address in (client.email, client.phone, 'nobody@example.org', 'x'):
        after = eve.step('login', asked(eve), {'address': address})
        assert messages(after) == [4000035] and after.json['state'] == 'choose_method'
    assert not post.to(client.email, SIGN_IN)


def test_a_sign_in_by_password_on_the_flow_of_the_second_factor_is_none(server):
    client = somebody(server, 'native')
    after = client.submit('login', asked(client), {'method': 'password', 'identifier': client.email, 'password': PASSWORD})
    assert messages(after.must(400)) == [4010002] and level(client) == 'aal1'


# -- clicked twice ----------------------------------------------------------------------

@pytest.fixture
def clicked(server, post):
    """Somebody at the form, and click(): the answer to its button, as often as it is pressed."""
    client = somebody(server, 'browser', phone=False)
    flow = asked(client, {'return_to': UI + '/there'})
    body = {'method': 'code', 'identifier': client.email, 'code': post.wait(client.email, SIGN_IN).code}
    client.click = lambda by=client: by.submit('login', flow, body)
    return client


def test_a_button_that_is_pressed_by_many_at_once_leads_all_on(clicked):
    assert {a.must(303).location for a in at_once([clicked.click] * 3)} == {UI + '/there'}
    assert level(clicked) == 'aal2'


def test_another_session_gets_nothing_by_it(server, clicked):
    other = server.browser()
    other.login(clicked.email)
    clicked.click().must(303)
    other.cookies.update({name: value for name, value in clicked.cookies.items() if name.startswith('csrf_token')})
    clicked.click(by=other)
    assert level(other) == 'aal1'
