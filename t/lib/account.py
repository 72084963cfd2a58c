# SPDX-License-Identifier: Apache-2.0
"""People who verify an address and who lost their password: settings for them, and the steps they take."""
import copy

from .clients import PASSWORD, new_email
from .settings import PERSON, UI, inline


def person(code=None):
    """The schema of other tests, with an address that is verified and leads back in; `code`: and signs in by that."""
    person = copy.deepcopy(PERSON)
    extension = person['properties']['traits']['properties']['email']['ory.sh/kratos']
    extension |= {'verification': {'via': 'email'}, 'recovery': {'via': 'email'}}
    if code:
        extension['credentials']['code'] = code
    return person


def account(use='code', code=None, **mail):
    """Settings with all of that switched on; mail by `uri`; `code` as in person()."""
    flows = {'settings': {'ui_url': UI + '/settings', 'privileged_session_max_age': '1h'}}
    for kind in ('verification', 'recovery'):
        flows[kind] = {'enabled': True, 'use': use, 'ui_url': f'{UI}/{kind}'}
    return {
        'selfservice': {'methods': {'code': {'enabled': True}, 'link': {'enabled': True}}, 'flows': flows},
        'identity': {'schemas': [{'id': 'person', 'url': inline(person(code))}]},
        'courier': {'smtp': {'connection_uri': mail['uri'], 'from_address': 'site@example.org'}} if mail else None,
    }


def member(server, kind='ajax', **traits):
    """A client that just registered."""
    client = server.client(kind)
    client.email = new_email()
    client.register(client.email, **traits).must(200, 303)
    return client


def accounts(server):
    """How many there are."""
    return int(server.sql('SELECT COUNT(*) FROM identities')[0][0])


def let_in(client):
    """Has it a session that counts?"""
    return client.whoami().status == 200


def change(client, **fields):
    """Submits settings; the flow as it stands afterwards, or the refusal."""
    return client.step('settings', client.start('settings'), fields)


def ask(client, kind, email, method='code'):
    """Asks for a code or link; the flow afterwards."""
    return client.step(kind, client.start(kind), {'method': method, 'email': email})


def give(client, kind, flow, code):
    """Submits a code, as it is."""
    return client.submit(kind, flow, {'method': 'code', 'code': code})


def other_than(code):
    return f'{(int(code) + 1) % 1000000:06}'


def recovered(answer):
    """Did that let somebody in?"""
    return any(k.lower() == 'set-cookie' and v.startswith('ory_kratos_session=') and 'Max-Age=0' not in v
               for k, v in answer.headers)


def can_sign_in(server, email, password):
    return server.native().login(email, password).status == 200


def refresh(client, answer):
    """Signs in again as an answer asked for; where that leads."""
    begun = client.get(answer.location).must(303)
    flow = client.fetch('login', begun.flow_id).must(200)
    assert flow.json['refresh'] is True
    return client.submit('login', flow, {'method': 'password', 'identifier': client.email, 'password': PASSWORD}).must(303)


def is_verified(client):
    return client.session()['identity']['verifiable_addresses'][0]['verified']
