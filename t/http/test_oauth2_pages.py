# SPDX-License-Identifier: Apache-2.0
"""The built-in pages where an OAuth2 server has people sign in, and the one where it has them sign out."""
from urllib.parse import parse_qs, urlsplit

import pytest

from lib.account import account
from lib.clients import PASSWORD, new_email
from lib.hydra import behind
from lib.reader import Reader
from lib.serving import free_port
from lib.settings import merge, nested


@pytest.fixture(scope='module')
def server(request, database, hydra):
    from conftest import end, start
    port = free_port()
    own = {kind: {'ui_url': f'/ui/{kind}'} for kind in ('login', 'registration', 'settings', 'recovery', 'verification', 'error')}
    pages = {'selfservice': {'default_browser_return_url': '/ui/welcome', 'allowed_return_urls': [f'http://127.0.0.1:{port}'],
                            'flows': own}}
    tree = merge(merge(account(), behind(hydra)), nested('selfservice.flows', {'registration': {'after': {'password': {'hooks': [{'hook': 'session'}]}}}}))
    server = start(request, database, merge(tree, pages), port=port, flags=['ui'])
    yield server
    end(server)


@pytest.fixture
def reader(server):
    return Reader(server)


def begin(hydra, kind='login'):
    query = hydra.ask()
    return query, f'/self-service/{kind}/browser?login_challenge={query["login_challenge"]}'


def somebody(server, reader):
    """A person who has signed up, and is signed in."""
    email = new_email()
    page = reader.send(reader.open('/self-service/registration/browser'), traits__email=email, password=PASSWORD)
    assert email in page.text
    return email


def link(page, part):
    return next(url for url in page.links if url and part in url)


def press(reader, page, **headers):
    """Sends the one form of the page that asks."""
    return reader.follow(reader.client.request('POST', '/ui/logout', form=page.fields, headers=headers))


def session_of(reader):
    return next((v for k, v in reader.client.cookies.items() if k == 'ory_kratos_session'), None)


# -- in ------------------------------------------------------------------------------------

def test_who_has_no_account_yet_signs_up_and_is_back_there(server, hydra, reader):
    query, url = begin(hydra)
    page = reader.open(link(reader.open(url), '/registration/browser'))
    page = reader.send(page, traits__email=new_email(), password=PASSWORD)
    assert page.url == hydra.way_on(query)


def test_who_has_one_after_all_signs_in_and_is_back_there(server, hydra, reader):
    email = somebody(server, Reader(server))
    query, url = begin(hydra, 'registration')
    page = reader.open(link(reader.open(url), '/login/browser'))
    assert reader.send(page, identifier=email, password=PASSWORD).url == hydra.way_on(query)


def test_who_lost_the_password_comes_back_to_it(server, hydra, reader):
    query, url = begin(hydra)
    recovery = parse_qs(urlsplit(link(reader.open(url), '/recovery/browser')).query)['return_to'][0]
    assert recovery.endswith(url)
    assert reader.open(link(reader.open(url), '/recovery/browser')).answer.status == 200


def test_a_form_of_another_browser_begins_anew_and_leads_there(server, hydra, reader):
    email = somebody(server, Reader(server))
    query, url = begin(hydra)
    page = Reader(server).open(url)
    page = reader.open(page.url)
    assert reader.send(page, identifier=email, password=PASSWORD).url == hydra.way_on(query)


# -- out ------------------------------------------------------------------------------------

def sign_out_page(hydra, reader, **more):
    query = hydra.ask_out(**more)
    return query, reader.open(f'/ui/logout?logout_challenge={query["logout_challenge"]}')


def test_one_is_asked_and_then_signed_out_here_and_there(server, hydra, reader):
    email = somebody(server, reader)
    cookie = session_of(reader)
    query, page = sign_out_page(hydra, reader)
    assert email in page.text and 'The App' in page.text
    assert not hydra.told(query) and reader.client.whoami().status == 200        # a visit alone does nothing
    page = press(reader, page)
    assert page.url == hydra.way_on(query) and hydra.told(query) is True
    assert reader.client.whoami().status == 401
    reader.client.cookies['ory_kratos_session'] = cookie
    assert reader.client.whoami().status == 401                                  # the session is over, not only its cookie


def test_an_application_without_a_name_may_ask_too(server, hydra, reader):
    for client in ({'client_name': ''}, {}, None):
        _, page = sign_out_page(hydra, reader, client=client)
        assert page.answer.status == 200 and 'Do you want to sign out?' in page.text


def test_who_has_no_session_here_is_signed_out_there(server, hydra, reader):
    query, page = sign_out_page(hydra, reader)
    assert press(reader, page).url == hydra.way_on(query) and hydra.told(query)


def test_no_other_site_signs_anybody_out(server, hydra, reader):
    somebody(server, reader)
    query, page = sign_out_page(hydra, reader)
    _, foreign = sign_out_page(hydra, Reader(server))
    forms = [(page.fields, {'Origin': 'https://evil.example'}), (page.fields, {'Sec-Fetch-Site': 'cross-site'}),
             ({k: v for k, v in page.fields.items() if k != 'csrf_token'}, {}), ({**page.fields, 'csrf_token': foreign.fields['csrf_token']}, {})]
    for fields, headers in forms:
        assert reader.client.request('POST', '/ui/logout', form=fields, headers=headers).status == 403
    assert not hydra.told(query) and reader.client.whoami().status == 200


@pytest.mark.rules
@pytest.mark.parametrize('challenge', ['unknown', 'x' * 6001])
def test_a_challenge_that_is_none_is_told_so(server, hydra, reader, challenge):
    somebody(server, reader)
    assert reader.open('/ui/logout?logout_challenge=' + challenge).answer.status == 400
    _, page = sign_out_page(hydra, reader)
    fields = {**page.fields, 'logout_challenge': challenge}
    assert reader.client.request('POST', '/ui/logout', form=fields).status == 400


def test_one_that_is_used_leads_on(server, hydra, reader):
    hydra.bent = {'GET': (410, {'redirect_to': hydra.url + '/begin'})}
    query = hydra.ask_out()
    answer = reader.client.get('/ui/logout', query)
    hydra.bent = {'GET': (410, {'redirect_to': '/oauth2/sessions/logout'})}          # as Hydra writes it: of which host?
    page = reader.open('/ui/logout?logout_challenge=' + query['logout_challenge'])
    hydra.bent = {}
    assert answer.must(303).location == hydra.url + '/begin' and page.answer.status == 400


def test_who_was_not_asked_finds_the_button_on_the_overview(server, hydra, reader):
    email = somebody(server, reader)
    for url in ('/ui/logout', '/ui/logout?logout_challenge='):
        assert email in reader.open(url).text


def test_while_the_server_is_down_one_is_asked_again(server, hydra, reader):
    somebody(server, reader)
    query, page = sign_out_page(hydra, reader)
    with hydra.away():
        refused = press(reader, page)
    assert refused.answer.status == 503 and int(refused.answer.header('Retry-After')) > 0
    assert reader.client.whoami().status == 401                                      # here it is done
    page = reader.open(link(refused, 'logout_challenge='))
    assert press(reader, page).url == hydra.way_on(query) and hydra.told(query)


@pytest.mark.rules
def test_without_such_a_server_nobody_is_asked(serve, hydra):
    server = serve(flags=['ui'])
    page = Reader(server).open('/ui/logout?logout_challenge=x')
    assert page.answer.status == 500 and not any(c == 'x' for _, _, c, _ in hydra.calls)
