# SPDX-License-Identifier: Apache-2.0
"""A realm that other sites take the word of, by FedCM: t/unit/test_fedcm_idp.c has the rules, this is them in a real httpd and database."""
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib.account import member
from lib.fedcm import SHOP, Browser, takes_our_word, verified
from lib.pages import Guide


@pytest.fixture(scope='module')
def idp(request, database):
    """With the line of docs/pages.md, which leads to what browsers ask of the domain itself."""
    from conftest import end, start
    rule, = (block for block in Guide('docs/pages.md').all('apache') if 'RewriteRule' in block)
    server = start(request, database, takes_our_word(), lines={'extra': rule.replace('"^/', '"^/top/').replace('"/auth/', '"/')})
    yield server
    end(server)


@pytest.mark.san
def test_a_site_learns_who_is_signed_in_and_can_verify_it(idp):
    ana = member(idp, 'browser')
    browser = Browser(idp, ana)
    account = browser.account()
    assert account['email'] == ana.email and account['approved_clients'] == []
    answer = browser.token().must(200)
    assert answer.header('Access-Control-Allow-Origin') == SHOP and answer.header('Access-Control-Allow-Credentials') == 'true'
    claims = verified(idp, answer.json['token'])
    assert claims['sub'] == account['id'] == ana.session()['identity']['id']
    assert claims['nonce'] == 'n-0S6_WzA2Mj' and claims['exp'] - claims['iat'] == 120
    assert browser.account()['approved_clients'] == ['shop']
    assert browser.post('/fedcm/disconnect', client_id='shop', account_hint=ana.email).must(200).json == {'account_id': account['id']}
    assert browser.account()['approved_clients'] == []


@pytest.mark.parametrize('kind', ['browser', 'ajax'])
def test_the_second_cookie_comes_and_goes_with_the_first(idp, kind):
    ana = idp.client(kind)
    answer = ana.register(f'{kind}@example.org').must(200, 303)
    cookie, = (v for k, v in answer.headers if k.lower() == 'set-cookie' and v.startswith('ory_kratos_session_fedcm='))
    assert cookie.endswith('; HttpOnly; Secure; SameSite=None') and '; Path=/fedcm;' in cookie and 'Domain' not in cookie
    assert answer.header('Set-Login') == 'logged-in'
    browser = Browser(idp, ana)
    answer = ana.logout()
    assert answer.header('Set-Login') == 'logged-out' and ana.cookie('ory_kratos_session_fedcm') == (None, None)
    assert browser.get('/fedcm/accounts').status == 401


def test_pages_that_ask_at_once_are_all_answered(idp):
    browser = Browser(idp, member(idp, 'ajax'))
    with ThreadPoolExecutor(6) as pool:
        assert {answer.status for answer in pool.map(lambda _: browser.token(), range(6))} == {200}
    assert browser.account()['approved_clients'] == ['shop']


def test_browsers_ask_the_domain_itself_which_provider_is_there(idp):
    told = idp.native().get('/top/.well-known/web-identity').must(200).json
    assert told['provider_urls'] == [idp.url + '/fedcm/config.json']
    config = idp.native().get('/fedcm/config.json').must(200)
    assert config.header('Content-Type').startswith('application/json')
    assert config.json['accounts_endpoint'] == told['accounts_endpoint'] and config.json['login_url'] == told['login_url']


def test_who_opens_the_page_of_the_sign_in_by_hand_goes_on_from_there(idp):
    ana = member(idp, 'browser')
    page = ana.get('/self-service/fed-cm/login').must(200)
    assert page.header('Content-Type') == 'text/html; charset=utf-8' and page.header('Set-Login') == 'logged-in'
    assert b'http-equiv="refresh"' in page.body


@pytest.mark.rules
def test_without_clients_none_of_it_is_there(server):
    ana = member(server, 'browser')
    assert ana.cookie('ory_kratos_session_fedcm') == (None, None)
    assert server.native().get('/.well-known/web-identity').status == 404
