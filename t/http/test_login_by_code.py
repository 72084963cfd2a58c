# SPDX-License-Identifier: Apache-2.0
"""Signing in where codes do: what the forms hold, with and without a password beside, the first time and to confirm it."""
import copy

import pytest

from lib.account import account, member, other_than, person
from lib.clients import PASSWORD, WRONG, messages, new_email
from lib.settings import inline, merge, nested

pytestmark = pytest.mark.san
LOGIN, SIGN_UP = 'code to sign in', 'code to sign up'
FIRST = nested('selfservice.flows.login.style', 'identifier_first')
MITIGATED = nested('security.account_enumeration.mitigate', True)
FALLBACK = nested('selfservice.methods.code.config.missing_credential_fallback_enabled', True)
NO_PASSWORD = nested('selfservice.methods.password.enabled', False)
CHOOSE = nested('feature_flags.refresh_login_choose_address', True)


def schema():
    """One address, which signs in by password and by code."""
    return person({'identifier': True, 'via': 'email'})


def with_user_names():
    """A user name signs in by password, two addresses by code; none of these is needed."""
    document = schema()
    traits = document['properties']['traits']
    traits['properties']['name']['ory.sh/kratos'] = {'credentials': {'password': {'identifier': True}}}
    del traits['properties']['email']['ory.sh/kratos']['credentials']['password'], traits['required']
    traits['properties']['second'] = copy.deepcopy(traits['properties']['email'])
    return document


def settings(post, document, changes):
    by_code = merge(nested('selfservice.methods.code.passwordless_enabled', True),
                    nested('selfservice.flows.registration.after.code.hooks', [{'hook': 'session'}]))
    tree = merge(account(uri=post.uri), by_code)
    for change in changes:
        tree = merge(tree, change)
    return merge(tree, {'identity': {'schemas': [{'id': 'person', 'url': inline(document)}]}})


@pytest.fixture(scope='module')
def servers(request, database, post):
    """servers(changes..., document=schema) is one server for all tests that want the same."""
    from conftest import end, start
    running = []

    def serve(*changes, document=schema):
        for known, server in running:
            if known == (document, changes):
                return server
        running.append(((document, changes), start(request, database, settings(post, document(), changes))))
        return running[-1][1]
    yield serve
    for _, server in running:
        end(server)


def nodes(flow):
    """[group:name:type] or [group:name:type=value], with the label's id behind where there is one."""
    def told(node):
        a, label = node['attributes'], node['meta'].get('label')
        value = '' if a.get('value') is None or a['name'] == 'csrf_token' else f'={a["value"]}'
        return f'{node["group"]}:{a["name"]}:{a["type"]}{value}' + (f' {label["id"]}' if label else '')
    return [told(node) for node in flow.json['ui']['nodes']]


def somebody(server, kind='native', second=None):
    """Who has a user name, a password and an address or two, and is signed in."""
    name = new_email('user').split('@')[0]
    client = member(server, kind, name=name, **({'second': second} if second else {}))
    client.name = name
    return client


def confirm(client):
    return client.start('login', {'refresh': 'true'})


def ask(client, flow, identifier):
    return client.step('login', flow, {'method': 'code', 'identifier': identifier})


def new_code(post, email, count=1):
    return post.wait(email, LOGIN, count).code


def send(client, flow, **fields):
    """A submit, and the flow as it is shown then."""
    return client.step('login', flow, fields)


# -- to confirm a sign-in ------------------------------------------------------------

CONFIRM = ['default:csrf_token:hidden', 'default:identifier:text= 1070004', 'code:method:submit=code 1010015',
           'password:password:password 1070001', 'password:method:submit=password 1010001']


def confirmation(typed):
    return [node.replace('identifier:text=', f'identifier:text={typed}') for node in CONFIRM]


def test_who_confirms_by_code_types_the_address(servers, post, kind):
    """A hidden user name could never get a code."""
    client = somebody(servers(document=with_user_names), kind)
    flow, before = confirm(client), client.session()
    assert nodes(flow) == CONFIRM and messages(flow) == [1010003]
    sent = ask(client, flow, client.email)
    assert messages(sent) == [1010025] and sent.json['state'] == 'sent_email'
    answer = client.submit('login', sent, {'method': 'code', 'identifier': client.email, 'code': new_code(post, client.email)})
    client._keep_token(answer.must(200, 303))
    after = client.session()
    assert after['id'] == before['id'] and [m['method'] for m in after['authentication_methods']] == ['password', 'code']


def test_who_confirms_by_password_types_the_user_name(servers, kind):
    client = somebody(servers(document=with_user_names), kind)
    again = send(client, confirm(client), method='password', identifier=client.name, password=WRONG)
    assert messages(again) == [4000006] and nodes(again) == confirmation(client.name)
    again = send(client, again, method='code', identifier=client.name)
    assert messages(again) == [4000035] and nodes(again) == confirmation(client.name)
    again = send(client, again, method='code', identifier='')
    assert messages(again) == [4000002]
    client.submit('login', again, {'method': 'password', 'identifier': client.name, 'password': PASSWORD}).must(200, 303)


def test_without_codes_the_field_stays_hidden(servers, kind):
    client = somebody(servers(nested('selfservice.methods.code.passwordless_enabled', False), document=with_user_names), kind)
    assert nodes(confirm(client))[1] == f'default:identifier:hidden={client.name}'


def test_in_identifier_first_style_the_form_to_confirm_is_the_same(servers, kind):
    client = somebody(servers(FIRST, document=with_user_names), kind)
    assert nodes(confirm(client)) == CONFIRM
    again = send(client, confirm(client), identifier=client.name)       # but a submit without a method is the first screen's
    assert messages(again) == [] and again.json['active'] == 'identifier_first' and again.json['refresh']
    client.submit('login', again, {'method': 'password', 'identifier': client.name, 'password': PASSWORD}).must(200, 303)


# -- to confirm it by a choice among the addresses on record -------------------------

def test_the_addresses_on_record_are_buttons(servers, post, kind):
    second = new_email('second')
    client = somebody(servers(CHOOSE, document=with_user_names), kind, second)
    flow = confirm(client)
    assert nodes(flow) == ['default:csrf_token:hidden', f'default:identifier:hidden={client.name}',
                           f'code:address:submit={client.email} 1010023', f'code:address:submit={second} 1010023',
                           'password:password:password 1070001', 'password:method:submit=password 1010001']
    # as a form is sent when that button is pressed: the hidden name goes along, and no method is named
    sent = send(client, flow, identifier=client.name, password='', address=second)
    assert messages(sent) == [1010025] and sent.json['state'] == 'sent_email'
    assert nodes(sent)[:2] == [f'code:identifier:hidden={second} 1010023', 'code:method:hidden=code']
    code = new_code(post, second)
    assert not post.to(client.email, LOGIN)
    wrong = send(client, sent, method='code', identifier=second, code=other_than(code))
    assert messages(wrong) == [4010008] and f'default:identifier:hidden={second}' in nodes(wrong)
    client.submit('login', wrong, {'method': 'code', 'identifier': second, 'code': code}).must(200, 303)


def test_an_address_is_chosen_by_name_of_the_method_too_and_sent_again(servers, post, kind):
    client = somebody(servers(CHOOSE, document=with_user_names), kind)
    sent = send(client, confirm(client), method='code', address=client.email)
    again = send(client, sent, method='code', identifier=client.email, resend='code')
    assert messages(again) == [1010025]
    code = new_code(post, client.email, 2)
    client.submit('login', again, {'address': client.email, 'code': code}).must(200, 303)     # as some apps have it


def test_the_address_of_somebody_else_is_no_choice(servers, post, kind):
    server = servers(CHOOSE, document=with_user_names)
    client, other = somebody(server, kind), somebody(server)
    again = send(client, confirm(client), address=other.email)
    assert messages(again) == [4000035] and not post.to(other.email, LOGIN)
    assert f'code:address:submit={client.email} 1010023' in nodes(again)


def test_who_has_no_address_confirms_by_password_alone(servers, kind):
    client = servers(CHOOSE, document=with_user_names).client(kind)
    name = new_email('user').split('@')[0]
    answer = client.submit('registration', client.start('registration'), {'method': 'password', 'password': PASSWORD,
                                                                          'traits': {'name': name}})
    client._keep_token(answer.must(200, 303))
    flow = confirm(client)
    assert {node.split(':')[0] for node in nodes(flow)} == {'default', 'password'}
    client.submit('login', flow, {'method': 'password', 'identifier': name, 'password': PASSWORD}).must(200, 303)


def test_a_button_without_a_method_counts_where_there_are_such_buttons_only(servers, post, kind):
    for server in (servers(document=with_user_names), servers(CHOOSE, document=with_user_names)):
        client, email = server.client(kind), somebody(server).email
        assert messages(send(client, client.start('login'), address=email)) == [4010002]
        assert not post.to(email, LOGIN)
    client = somebody(servers(document=with_user_names), kind)
    assert messages(send(client, confirm(client), address=client.email)) == [4010002]


# -- the identifier first ------------------------------------------------------------

def offered(email):
    return [f'identifier_first:identifier:hidden={email} 1070002', 'default:csrf_token:hidden', 'password:password:password 1070001',
            'password:method:submit=password 1010022', 'code:method:submit=code 1010015']


@pytest.mark.parametrize('method', [None, '', 'identifier_first', 'nope', 'totp', 'link'])
def test_whatever_no_method_takes_is_the_first_screens(servers, kind, method):
    server = servers(FIRST)
    client, email = server.client(kind), member(server).email
    flow, named = client.start('login'), {} if method is None else {'method': method}
    for _ in range(2):          # the first form, and the one after it
        flow = send(client, flow, identifier=email, **named)
        assert messages(flow) == [] and flow.json['active'] == 'identifier_first' and nodes(flow) == offered(email)
    nobody = new_email('nobody')
    for first in (client.start('login'), flow):
        again = send(client, first, identifier=nobody, **named)
        assert messages(again) == [4000037] and again.node('identifier') == nobody
        assert messages(send(client, again, identifier='', **named)) == [4000002]
        assert messages(send(client, again, **named)) == [4000002]
    client.submit('login', again, {'method': 'password', 'identifier': email, 'password': PASSWORD}).must(200, 303)


def test_with_mitigation_nobody_is_told_apart_there_either(servers, kind):
    server = servers(FIRST, MITIGATED)
    client, email = server.client(kind), member(server).email
    for who in (email, new_email('nobody'), 'no address'):
        flow = send(client, client.start('login'), identifier=who)
        assert messages(flow) == [] and nodes(flow) == offered(who)


def test_a_second_factor_has_no_first_screen(servers, kind):
    client = member(servers(FIRST), kind)
    flow = client.start('login', {'aal': 'aal2'})
    for method in ('identifier_first', 'nope'):
        assert messages(send(client, flow, method=method, identifier=client.email)) == [4010002]


def test_another_name_is_offered_what_that_account_has(servers, post, kind):
    """Somebody with a password, then somebody who has a code alone, and back."""
    server = servers(FIRST)
    client, first, second = server.client(kind), member(server).email, by_code_alone(server, post)
    flow = send(client, client.start('login'), identifier=first)
    flow = send(client, flow, identifier=second)
    assert messages(flow) == [1010014] and flow.json['state'] == 'sent_email' and flow.json['active'] == 'code'
    flow = send(client, flow, identifier=first)
    assert flow.json['state'] == 'choose_method' and sorted(nodes(flow)) == sorted(offered(first))
    client.submit('login', flow, {'method': 'password', 'identifier': first, 'password': PASSWORD}).must(200, 303)


def by_code_alone(server, post):
    """The address of somebody who has no password."""
    app, email = server.native(), new_email()
    flow = app.start('registration')
    app.submit('registration', flow, {'method': 'code', 'traits': {'email': email}}).must(400)
    code = post.wait(email, SIGN_UP).code
    app.submit('registration', flow, {'method': 'code', 'traits': {'email': email}, 'code': code}).must(200)
    return email


@pytest.mark.parametrize('alone', [False, True])
def test_an_account_from_before_codes_is_offered_one_where_the_settings_want_it(servers, post, kind, alone):
    server = servers(FIRST, FALLBACK, *[NO_PASSWORD] * alone, document=person)
    client, email = server.client(kind), new_email()
    server.ctl.create(email, PASSWORD)
    flow = send(client, client.start('login'), identifier=email)
    if not alone:
        assert nodes(flow) == offered(email)
        flow = ask(client, flow, email)
    assert messages(flow) == [1010014]
    client.submit('login', flow, {'method': 'code', 'identifier': email, 'code': new_code(post, email)}).must(200, 303)
    stranger, nobody = server.client(kind), new_email('nobody')
    assert messages(send(stranger, stranger.start('login'), identifier=nobody)) == [4000037] and not post.to(nobody)


def test_what_an_account_has_that_is_switched_off_is_no_way_in(servers, kind):
    server = servers(FIRST, NO_PASSWORD, nested('selfservice.methods.code.passwordless_enabled', False))
    email = new_email()
    server.ctl.create(email, PASSWORD)
    client = server.client(kind)
    first = nodes(client.start('login'))
    again = send(client, client.start('login'), method='identifier_first', identifier=email)
    assert messages(again) == [4000037] and nodes(again) == [n.replace('text=', f'text={email}') for n in first]


# -- the identifier first, and a code the only way in --------------------------------

@pytest.mark.parametrize('method', [None, 'identifier_first', 'code'])
def test_everybody_is_led_to_the_code_at_once_and_nothing_tells_who_gets_one(servers, post, kind, method):
    server = servers(FIRST, MITIGATED, NO_PASSWORD)
    named, known = {'method': method} if method else {}, by_code_alone(server, post)

    def look(who):
        client = server.client(kind)
        sent = send(client, client.start('login'), identifier=who, **named)
        assert messages(sent) == [1010014] and sent.json['state'] == 'sent_email' and sent.json['active'] == 'code'
        wrong = send(client, sent, method='code', identifier=who, code='000000')
        assert messages(wrong) == [4010008]
        again = send(client, wrong, method='code', identifier=who, resend='code')
        assert messages(again) == [1010014]
        return [[node.replace(who, 'WHO') for node in nodes(flow)] for flow in (sent, wrong, again)]
    assert look(known) == look(new_email('nobody')) == look('no address')
    client = server.client(kind)
    sent = send(client, client.start('login'), identifier=known.upper(), **named)
    code = new_code(post, known, 3)
    client.submit('login', sent, {'method': 'code', 'identifier': known, 'code': code}).must(200, 303)
    assert not [mail for mail in post.mails if 'nobody' in ' '.join(mail.to)]


# -- a form that asks for the code, shown again --------------------------------------

def asked_again(who):
    return ['default:csrf_token:hidden', f'default:identifier:hidden={who}', 'code:code:text 1070013', 'code:resend:submit=code 1070008',
            'code:method:hidden=code', 'code:method:submit=code 1070009']


@pytest.mark.parametrize('fields, said', [
    ({'code': '12'}, {None: 4010008}), ({'code': ''}, {'code': 4000002}), ({}, {'code': 4000002}),
    ({'identifier': '', 'code': '12'}, {'identifier': 4000002}), ({'identifier': ''}, {'code': 4000002}),
    ({'identifier': 'other', 'code': '12'}, {None: 4000035}), ({'identifier': 'other', 'resend': 'code'}, {None: 4000035}),
    ({'identifier': '', 'resend': 'code'}, {'identifier': 4000002}),
], ids=str)
def test_whatever_is_wrong_with_a_code_the_form_is_shown_again_in_one_way(servers, post, kind, fields, said):
    server = servers()
    client, who = server.client(kind), member(server).email
    sent = ask(client, client.start('login'), who)
    fields = {'identifier': who, **fields}
    again = send(client, sent, method='code', **fields)
    ui = again.json['ui']
    assert said == {n['attributes']['name']: m['id'] for n in ui['nodes'] for m in n['messages']} | (
        {None: m['id'] for m in ui.get('messages', [])})
    assert nodes(again) == asked_again(fields['identifier']) and again.json['state'] == 'sent_email'
    assert bool(again.csrf) == (kind != 'native')
    code = new_code(post, who)
    client.submit('login', again, {'method': 'code', 'identifier': who, 'code': code}).must(200, 303)


# -- signing up by password and by code on one page ----------------------------------

GROUP = nested('feature_flags.password_profile_registration_node_group', 'password')


@pytest.mark.parametrize('changes, group', [((GROUP, ), 'default'),
                                            ((GROUP, nested('selfservice.methods.code.passwordless_enabled', False)), 'password'),
                                            ((GROUP, NO_PASSWORD), 'default')], ids=['both', 'password', 'code'])
def test_traits_that_serve_both_forms_stand_in_no_methods_group(servers, kind, changes, group):
    flow = servers(*changes).client(kind).start('registration')
    assert [n['group'] for n in flow.json['ui']['nodes'] if n['attributes']['name'].startswith('traits.')] == [group] * 2
