# SPDX-License-Identifier: Apache-2.0
"""Verification: what of a submit is looked at, in which order, what a form looks like afterwards, and a second submit."""
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib.account import account, ask, give, is_verified, member, other_than
from lib.clients import HTML, error_id, messages
from lib.mailbox import VERIFICATION
from lib.serving import free_port
from lib.settings import UI, merge

JSON = 'application/json'
pytestmark = pytest.mark.san


@pytest.fixture(scope='module')
def server(request, database, post):
    from conftest import end, start
    server = start(request, database, account(uri=post.uri))
    yield server
    end(server)


def sets_cookie(answer):
    return any(k.lower() == 'set-cookie' for k, v in answer.headers)


def asked(server, post, kind):
    """(client, flow, mail): a stranger's client that asked for a code to somebody's address."""
    who = member(server, 'native')
    client = server.client(kind)
    flow = ask(client, 'verification', who.email).must(200)
    client.email, client.who = who.email, who
    return client, flow, post.wait(who.email, VERIFICATION, 2)


def told(client, answer, status):
    """The flow that an answer shows, or that a person is shown after it; `status` is what programs get."""
    if client.kind != 'browser':
        return answer.must(status)
    assert answer.must(303).location.startswith(UI + '/verification?flow=')
    return client.fetch('verification', answer.flow_id).must(200)


def shown(flow):
    return flow.json['state'], flow.json['active'], [m['id'] for m in flow.json['ui'].get('messages', [])]


def node(flow, name):
    return next((n for n in flow.json['ui']['nodes'] if n['attributes'].get('name') == name), None)


def field(flow):
    """Type, value and messages of the node `email`."""
    at = node(flow, 'email')
    return at['attributes']['type'], at['attributes'].get('value'), [m['id'] for m in at['messages']]


def by_form(client, flow, fields, how='POST', csrf=None):
    """These fields and no others, by POST or GET."""
    fields = {**fields, **({'csrf_token': csrf} if csrf else {})}
    if how == 'GET':
        return client.get('/self-service/verification', {'flow': flow.flow_id, **fields})
    return client.submit('verification', flow.flow_id, {**fields, 'more': '1'})


# -- ids ---------------------------------------------------------------------------------

@pytest.mark.parametrize('query', ['', '?id=', '?id=x', '?id=00000000-0000-4000-8000-000000000000', '?flow=x', '?id=%00', '?id=a&id=b'])
def test_a_flow_that_is_not_there_is_not_found(server, kind, query):
    answer = server.client(kind).get('/self-service/verification/flows' + query)
    assert answer.status == (400 if query == '?id=%00' else 404)
    assert answer.json['error']['code'] == answer.status and 'id' not in answer.json['error']


# -- who takes a submit --------------------------------------------------------------------

@pytest.mark.parametrize('fields', [{}, {'method': 'link'}, {'code': ''}, {'email': 'x@example.org'}, {'method': ''},
                                    {'method': 'link', 'code': '123456'}])
def test_what_no_method_takes_is_said_without_a_look_at_the_token(server, post, kind, fields):
    client, flow, mail = asked(server, post, kind)
    for _ in range(2):                                   # the second time it is not said twice
        answer = by_form(client, flow, fields)
        assert not sets_cookie(answer)
        after = told(client, answer, 400)
        assert shown(after) == ('sent_email', 'default', [1080003, 4010006])
        assert field(after) == ('email', fields.get('email', ''), [])
    assert node(after, 'csrf_token')['attributes']['value'] == ('' if kind == 'native' else after.csrf)
    after = told(client, give(client, 'verification', flow, other_than(mail.code)), 200)
    assert shown(after) == ('sent_email', 'code', [4070006]), 'the flow goes on'
    after = told(client, give(client, 'verification', flow, mail.code), 200)
    assert shown(after) == ('passed_challenge', 'code', [1080002])


def test_a_code_needs_no_method_and_no_token(server, post, kind):
    client, flow, mail = asked(server, post, kind)
    after = told(client, by_form(client, flow, {'code': other_than(mail.code)}), 200)
    assert shown(after) == ('sent_email', 'code', [4070006])
    after = told(client, by_form(client, flow, {'code': mail.code, 'email': client.email}), 200)
    assert shown(after) == ('passed_challenge', 'code', [1080002])
    assert is_verified(client.who)


@pytest.mark.parametrize('fields', [{}, {'code': ''}, {'email': ''}, {'code': '', 'email': ''}])
def test_with_neither_code_nor_address_the_address_misses(server, post, kind, fields):
    client, flow, mail = asked(server, post, kind)
    after = told(client, by_form(client, flow, {'method': 'code', **fields}), 400)
    assert shown(after) == ('sent_email', 'code', [1080003])
    assert field(after) == ('email', '', [4000002])
    names = [n['attributes']['name'] for n in after.json['ui']['nodes']]
    assert names == ['method', 'code', 'method', *(['email', 'csrf_token'] if kind == 'native' else ['csrf_token', 'email'])]
    at = node(after, 'email')
    assert at['attributes']['required'] and at['group'] == 'code' and at['meta']['label']['id'] == 1070007
    # the next mail brings the button back
    after = told(client, by_form(client, flow, {'method': 'code', 'email': client.email}, csrf=flow.csrf), 200)
    assert shown(after) == ('sent_email', 'code', [1080003])
    assert field(after) == ('submit', client.email, [])
    assert give(client, 'verification', flow, mail.code).status in (200, 303) and not is_verified(client.who)


def test_an_unknown_method_is_said_where_it_stands(server, post, kind):
    client, flow, mail = asked(server, post, kind)
    for fields in ({'method': 'pigeon'}, {'method': 'pigeon', 'code': mail.code}):
        after = told(client, by_form(client, flow, fields), 400)
        assert shown(after) == ('sent_email', 'code', [1080003])
        assert [m['id'] for m in node(after, 'method')['messages']] == [4000001]
        assert field(after) == ('submit', client.email, [])
    assert not is_verified(client.who)


@pytest.mark.parametrize('kind', ['browser', 'ajax'])
def test_only_a_mail_needs_the_token_of_the_form(server, post, kind):
    client, flow, _ = asked(server, post, kind)
    for csrf in (None, 'A' * 43):
        answer = by_form(client, flow, {'method': 'code', 'email': client.email}, csrf=csrf)
        assert not sets_cookie(answer), 'nobody ends the form by a stray request'
        if kind == 'ajax':
            assert answer.status == 403 and error_id(answer) == 'security_csrf_violation'
        else:
            assert answer.status == 303 and answer.location.startswith(UI + '/error')
    assert len(post.to(client.email, VERIFICATION)) == 2


@pytest.mark.parametrize('headers', [{'Cookie': 'a=b'}, {'Origin': 'https://app.example.org'}])
def test_an_app_that_looks_like_a_browser_gets_no_mail_and_may_type_its_code(server, post, headers):
    client, flow, mail = asked(server, post, 'native')
    after = client.submit('verification', flow, {'method': 'code', 'email': client.email}, headers=headers).must(400)
    assert shown(after) == ('sent_email', 'code', [1080003, 4000001])
    after = client.submit('verification', flow, {'code': mail.code}, headers=headers).must(200)
    assert shown(after) == ('passed_challenge', 'code', [1080002])


def test_the_address_of_the_form_opened_by_hand_says_what_misses(server, post, kind):
    client, flow, mail = asked(server, post, kind)
    answer = by_form(client, flow, {}, 'GET')
    assert not sets_cookie(answer)
    assert shown(told(client, answer, 400)) == ('sent_email', 'default', [1080003, 4010006])
    answer = by_form(client, flow, {'method': 'code'}, 'GET')
    after = told(client, answer, 400)
    assert shown(after) == ('sent_email', 'code', [1080003, 4010006]) and field(after)[2] == [4000002]
    assert give(client, 'verification', flow, mail.code).status in (200, 303) and is_verified(client.who)


# -- a second submit -------------------------------------------------------------------------

def replaced(answer, client, flow, html):
    """The new flow that took the place of `flow`."""
    assert sets_cookie(answer)
    if html:
        assert answer.must(303).location.startswith(UI + '/verification?flow=')
        new = answer.flow_id
    else:
        assert answer.status == 410 and error_id(answer) == 'self_service_flow_replaced'
        new = answer.json['use_flow_id']
    assert new != flow.flow_id
    return client.fetch('verification', new).must(200)


SECOND = {'code': {'method': 'code', 'code': 'CODE'}, 'wrong': {'code': '000000'}, 'address': {'method': 'code', 'email': 'x@example.org'},
          'nothing': {}, 'unknown': {'method': 'pigeon'}, 'link': {'method': 'link'}}


@pytest.mark.parametrize('second', SECOND)
@pytest.mark.parametrize('csrf', [None, 'A' * 43])
def test_whatever_is_sent_to_a_finished_flow_begins_a_new_one(server, post, kind, second, csrf):
    client, flow, mail = asked(server, post, kind)
    give(client, 'verification', flow, mail.code).must(200, 303)
    fields = {k: mail.code if v == 'CODE' else v for k, v in SECOND[second].items()}
    new = replaced(by_form(client, flow, fields, csrf=csrf), client, flow, kind == 'browser')
    assert shown(new) == ('choose_method', 'code', [4070002])
    assert is_verified(client.who)


@pytest.mark.parametrize('accept', [HTML, JSON])
@pytest.mark.parametrize('right', [True, False])
def test_the_link_of_the_mail_followed_after_the_code_was_typed_elsewhere(server, post, kind, accept, right):
    client, flow, mail = asked(server, post, kind)
    give(client, 'verification', flow, mail.code).must(200, 303)
    phone = server.browser()
    answer = phone.get(mail.link if right else mail.link.replace(mail.code, other_than(mail.code)), accept=accept)
    new = replaced(answer, phone, flow, accept == HTML)
    assert shown(new) == ('choose_method', 'code', [4070002])


# -- a double click, on the built-in pages -----------------------------------------------------

@pytest.fixture(scope='module')
def pages(request, database, post):
    from conftest import end, start
    port = free_port()
    own = {flow: {'ui_url': None} for flow in ('login', 'registration', 'verification', 'recovery', 'settings', 'error')}
    server = start(request, database, merge(account(uri=post.uri), {'selfservice': {
        'default_browser_return_url': '/ui/welcome', 'allowed_return_urls': [f'http://127.0.0.1:{port}', UI], 'flows': own}}),
        port=port, flags=['ui'])
    yield server
    end(server)


def asked_on_a_page(server, post):
    client = member(server, 'browser')
    flow = client.start('verification', {'return_to': UI + '/verified'})
    flow = client.step('verification', flow, {'method': 'code', 'email': client.email}).must(200)
    return client, flow, post.wait(client.email, VERIFICATION, 2).code


def page_after(client, answer):
    """What a person sees of the page that an answer leads to."""
    page = client.get(answer.must(303).location).must(200).body.decode()
    return re.search('<h1>(.*?)</h1>', page)[1], re.findall('class="message ([a-z]+)"', page), UI + '/verified' in page


def test_a_double_click_on_the_code_ends_at_the_page_of_the_first(pages, post):
    client, flow, code = asked_on_a_page(pages, post)
    first, second = (give(client, 'verification', flow, code) for _ in range(2))
    assert first.location.split('=')[-1] == flow.flow_id != second.flow_id
    assert page_after(client, second) == ('Address confirmed', ['success'], True)
    # for all others it is a new form, as its flow says
    assert messages(client.fetch('verification', second.flow_id).must(200)) == [4070002]
    third = give(client, 'verification', second.flow_id, code)
    assert page_after(client, third)[:2] == ('Verify your address', ['error'])


def test_posts_of_a_code_at_once_end_at_one_page(pages, post):
    client, flow, code = asked_on_a_page(pages, post)
    racers = [pages.browser() for _ in range(5)]             # as many as a flow takes tries

    def click(racer):
        racer.cookies = dict(client.cookies)
        return give(racer, 'verification', flow, code)
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(click, racers))
    assert sum(a.flow_id == flow.flow_id for a in answers) == 1
    for racer, answer in zip(racers, answers):
        assert page_after(racer, answer) == ('Address confirmed', ['success'], True)


def test_who_follows_the_link_elsewhere_is_shown_the_new_form(pages, post):
    client, flow, code = asked_on_a_page(pages, post)
    link = post.wait(client.email, VERIFICATION, 2).link
    give(client, 'verification', flow, code)
    phone = pages.browser()
    assert page_after(phone, phone.get(link))[:2] == ('Verify your address', ['error'])


# -- by link -----------------------------------------------------------------------------------

@pytest.mark.parametrize('token', [{}, {'token': ''}])
@pytest.mark.parametrize('how', ['POST', 'GET'])
def test_by_link_a_submit_without_token_is_read_as_a_form(linked, kind, how, token):
    client = linked.client(kind)
    flow = client.start('verification')
    said = []
    for fields, active, message, at in (
            ({}, 'default', 4010006, []), ({'method': 'code', 'email': 'x@example.org'}, 'default', 4010006, []),
            ({'method': 'pigeon'}, 'default', 4010006, []), ({'method': 'link'}, 'link', None, [4000002]),
            ({'method': 'link', 'email': ''}, 'link', None, [4000002])):
        answer = by_form(client, flow, {**fields, **token}, how)
        assert not sets_cookie(answer)
        after = told(client, answer, 400)
        said = said or [message]
        assert after.json['id'] == flow.flow_id and shown(after) == ('choose_method', active, said)
        assert field(after) == ('email', fields.get('email', ''), at)


@pytest.mark.parametrize('how', ['POST', 'GET'])
@pytest.mark.parametrize('kind', ['browser', 'ajax'])
def test_by_link_only_a_mail_needs_the_token_of_the_form(linked, post, kind, how):
    email, client = member(linked, 'native').email, linked.client(kind)
    flow = client.start('verification')
    for csrf in (None, 'A' * 43):
        answer = by_form(client, flow, {'method': 'link', 'email': email}, how, csrf)
        assert not sets_cookie(answer)
        if kind == 'ajax':
            assert answer.status == 403 and error_id(answer) == 'security_csrf_violation'
        else:
            assert answer.status == 303 and answer.location.startswith(UI + '/error')
    after = told(client, by_form(client, flow, {'method': 'link', 'email': email}, how, flow.csrf), 200)
    assert shown(after) == ('sent_email', 'link', [1080001]) and field(after) == ('email', email, [])
    after = told(client, by_form(client, flow, {'method': 'link'}, how), 400)
    assert shown(after) == ('sent_email', 'link', [1080001]) and field(after) == ('email', '', [4000002])
    post.wait(email, VERIFICATION, 2)


@pytest.mark.parametrize('how', ['POST', 'GET'])
def test_by_link_a_finished_flow_begins_a_new_one(linked, post, kind, how):
    email, client = member(linked, 'native').email, linked.client(kind)
    flow = ask(client, 'verification', email, 'link').must(200)
    linked.browser().get(post.wait(email, VERIFICATION, 2).link).must(303)
    for fields in ({'method': 'link'}, {'method': 'link', 'email': email}, {}):
        answer = by_form(client, flow, fields, how).must(303)
        assert sets_cookie(answer)
        where = f'{linked.url}/self-service/verification/flows?id=' if kind == 'native' else f'{UI}/verification?flow='
        assert answer.location.startswith(where)
        new = client.fetch('verification', answer.location.split('=')[-1]).must(200)
        assert new.json['id'] != flow.flow_id and shown(new) == ('choose_method', 'link', [4070002])


def test_the_link_followed_by_a_program_shows_the_flow(linked, post, kind):
    who, client = member(linked, 'native'), linked.client(kind)
    flow = ask(client, 'verification', who.email, 'link').must(200)
    link = post.wait(who.email, VERIFICATION, 2).link
    program = linked.ajax()
    after = program.get(link).must(200)
    assert shown(after) == ('passed_challenge', 'link', [1080002])
    assert after.json['ui']['method'] == 'GET' and after.json['ui']['action'] == UI + '/'
    names = [n['attributes'].get('name') or n['attributes']['id'] for n in after.json['ui']['nodes']]
    assert names == ['csrf_token', 'continue'] and is_verified(who)
    if kind == 'native':
        assert after.csrf == '' and not sets_cookie(after)
    else:
        assert after.csrf and sets_cookie(after)
        assert program.fetch('verification', flow.flow_id).must(200).json['state'] == 'passed_challenge'
        assert client.fetch('verification', flow.flow_id).status == 403


@pytest.mark.parametrize('accept', [HTML, JSON])
def test_a_bad_link_leads_people_and_programs_to_a_new_flow(linked, post, kind, accept):
    email, client, reader = member(linked, 'native').email, linked.client(kind), linked.browser()
    flow = ask(client, 'verification', email, 'link').must(200)
    link = post.wait(email, VERIFICATION, 2).link
    reader.get(link, accept=accept).must(200, 303)
    for bad in (link, link[:-4] + 'aaaa'):
        answer = reader.get(bad, accept=accept).must(303)
        assert answer.location.startswith(UI + '/verification?flow=')
        new = reader.fetch('verification', answer.flow_id).must(200)
        assert new.json['id'] != flow.flow_id and new.json['type'] == 'browser' and shown(new) == ('choose_method', 'link', [4070001])
