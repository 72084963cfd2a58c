# SPDX-License-Identifier: Apache-2.0
"""A place may ask for a second factor, and for a proof that is fresh: people give it there and then, programs are told where."""
import re
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from conftest import end, start_gate
from lib.account import account, member
from lib.clients import PASSWORD
from lib.factors import App, give, link, shown
from lib.gate import add_pages
from lib.serving import Server
from lib.settings import UI, base, merge, nested

pytestmark = pytest.mark.san

RULES = {
    'session': 'Require kratos-session',
    'fresh': 'Require kratos-session max-age=15m',
    'strong': 'Require kratos-aal aal2',
    'strong-fresh': 'Require kratos-aal aal2 max-age=15m',
    'one-fresh': 'Require kratos-aal aal1 max-age=15m',
    'stale': '<RequireAll>\nRequire kratos-session\nRequire not kratos-session max-age=15m\n</RequireAll>',
    'stale-for-one': '<RequireAll>\nRequire not kratos-session max-age=15m\nRequire kratos-trait name nobody\n</RequireAll>',
    'any': '<RequireAny>\nRequire kratos-trait name nobody\nRequire kratos-session max-age=15m\n</RequireAny>',
    'all': '<RequireAll>\nRequire kratos-trait name nobody\nRequire kratos-session max-age=15m\n</RequireAll>',
    'alias': 'Require just-now',
    'expr': 'Require expr "%{KRATOS:aal} == \'aal2\'"',
    'age': 'Require expr "%{KRATOS:aal} == \'aal2\' && %{KRATOS:age} -lt 300"',
    'own-page': 'ErrorDocument 403 "words of the owner"\nRequire kratos-aal aal2',
    'programs': 'KratosUnauthenticated 401\nRequire kratos-session max-age=15m',
}
ALIAS = '<AuthzProviderAlias kratos-session just-now "max-age=15m">\n</AuthzProviderAlias>\n'
CODES = nested('selfservice.methods.code', {'enabled': True, 'mfa_enabled': True})


def places():
    return '\n'.join(f'<Location "/{name}">\n{lines}\n</Location>' for name, lines in RULES.items()) + NOTES


NOTES = '\nLogFormat "%{kratos-verdict}n %{kratos-statements}n %U" kratos\nCustomLog "${KRATOS_TEST_LOG}" kratos\n'


@pytest.fixture(scope='module')
def site(request, database, post, tmp_path_factory):
    """Codes are a second factor; whose address is verified by it counts as well, so that everybody here has one."""
    log = tmp_path_factory.mktemp('log') / 'access.log'
    settings = merge(account(uri=post.uri, code={'identifier': True, 'via': 'email'}), CODES)
    settings = merge(settings, nested('session.whoami.required_aal', 'aal1'))
    server = start_gate(request, database, places().replace('${KRATOS_TEST_LOG}', str(log)), settings, before=ALIAS, clock=True)
    server.expect_log('AH0163[01]')
    server.access_log = log
    add_pages(server, *RULES)
    yield server
    end(server)


def second(site, client, post, flow):
    """The second factor, by the code that was sent when the flow began."""
    code = post.wait(client.email, 'Your code to sign in', client.codes).code
    client.codes += 1
    return client.submit('login', flow, {'method': 'code', 'identifier': client.email, 'code': code})


@pytest.fixture
def person(site):
    client = member(site, 'browser')
    client.codes = 1
    return client


def query_of(answer):
    parts = urlsplit(answer.location)
    return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}


def sent_to(answer, **asked):
    """It is the way to the login, asking for that. The flow's id once it is taken."""
    path, query = query_of(answer.must(303))
    assert path == '/self-service/login/browser', answer.location
    assert {name: query.get(name) for name in ('aal', 'refresh')} == {'aal': None, 'refresh': None} | asked
    found = {'gate': 'old', 'max_age': '900'} if 'refresh' in asked else {'gate': 'aal1'}
    assert {name: query.get(name) for name in found} == found       # so that a gate that lags behind is found out
    return query['return_to']


def status(site, client, place):
    return client.get(f'{site.gate}/{place}/').status


def step_up(site, person, post, place, **asked):
    """From a place to the second factor and back."""
    wanted = f'{site.gate}/{place}/?x=%2F&y'
    away = person.get(wanted)
    assert sent_to(away, aal='aal2', **asked) == wanted
    begun = person.get(away.location).must(303)
    done = second(site, person, post, person.fetch('login', begun.flow_id).must(200)).must(303)
    assert done.location == wanted
    answer = person.get(wanted)
    assert answer.status == 200 and answer.body.decode() == f'this is {place}'


# -- the second factor ---------------------------------------------------------------------------

def test_a_second_factor_is_asked_for_there_and_then_and_leads_back(site, person, post):
    assert status(site, person, 'session') == 200
    before = person.session()
    step_up(site, person, post, 'strong')
    after = person.session()
    assert after['id'] == before['id'] and after['authenticator_assurance_level'] == 'aal2'
    assert status(site, person, 'strong-fresh') == 200 and status(site, person, 'expr') == 200
    assert status(site, person, 'age') == 200
    site.clock.forward(270)
    assert status(site, person, 'age') == 200
    site.clock.forward(30)
    assert status(site, person, 'age') == 403


def test_somebody_without_a_session_gives_both_factors_on_one_way(site, post):
    owner = member(site, 'browser')
    person, wanted = site.browser(), site.gate + '/strong/?a=b'
    person.email, person.codes = owner.email, 1
    away = person.get(wanted).must(303)
    flow = person.fetch('login', person.get(away.location).must(303).flow_id).must(200)
    back = person.submit('login', flow, {'method': 'password', 'identifier': owner.email, 'password': PASSWORD}).must(303)
    assert back.location == wanted
    away = person.get(back.location)
    assert sent_to(away, aal='aal2') == wanted
    begun = person.get(away.location).must(303)
    done = second(site, person, post, person.fetch('login', begun.flow_id).must(200)).must(303)
    assert done.location == wanted and person.get(wanted).status == 200


@pytest.mark.parametrize('kind', ['ajax', 'native'])
def test_programs_are_told_where_a_second_factor_is_given(site, kind):
    answer = member(site, kind).get(site.gate + '/strong/')
    error = answer.json['error']
    assert (answer.status, error['id']) == (403, 'session_aal2_required')
    assert answer.json['redirect_browser_to'] == site.url + '/self-service/login/browser?aal=aal2'
    assert error['details']['redirect_browser_to'] == answer.json['redirect_browser_to']
    assert answer.header('Cache-Control') == 'no-store' and not answer.location


# -- fresh enough ----------------------------------------------------------------------------------

def test_a_proof_that_is_too_old_is_given_again_and_leads_back(site, person):
    wanted, before = site.gate + '/fresh/?x=%2F', person.session()
    assert person.get(wanted).status == 200
    site.clock.forward(15 * 60)
    away = person.get(wanted)
    assert sent_to(away, refresh='true') == wanted
    assert [status(site, person, place) for place in ('session', 'one-fresh', 'any', 'alias')] == [200, 303, 303, 303]
    flow = person.fetch('login', person.get(away.location).must(303).flow_id).must(200)
    done = person.submit('login', flow, {'method': 'password', 'identifier': person.email, 'password': PASSWORD}).must(303)
    after = person.session()
    assert done.location == wanted and person.get(wanted).status == 200
    assert after['id'] == before['id'] and after['authenticated_at'] > before['authenticated_at']
    assert [status(site, person, place) for place in ('one-fresh', 'any', 'alias')] == [200, 200, 200]


def test_a_second_factor_that_is_too_old_is_given_again_and_stays_one(site, person, post):
    step_up(site, person, post, 'strong-fresh')
    site.clock.forward(15 * 60)
    assert status(site, person, 'strong') == 200
    step_up(site, person, post, 'strong-fresh', refresh='true')
    assert person.session()['authenticator_assurance_level'] == 'aal2'
    site.clock.forward(15 * 60)                 # the first factor refreshes, and takes nothing away
    away = person.get(site.gate + '/fresh/')
    sent_to(away, refresh='true')
    flow = person.fetch('login', person.get(away.location).must(303).flow_id).must(200)
    person.submit('login', flow, {'method': 'password', 'identifier': person.email, 'password': PASSWORD}).must(303)
    assert status(site, person, 'fresh') == 200 and status(site, person, 'strong-fresh') == 200


@pytest.mark.parametrize('kind', ['ajax', 'native'])
def test_programs_are_told_where_a_fresh_proof_is_given(site, kind):
    client = member(site, kind)
    assert status(site, client, 'fresh') == 200
    site.clock.forward(15 * 60)
    for place in ('fresh', 'one-fresh', 'programs'):
        answer = client.get(f'{site.gate}/{place}/')
        error = answer.json['error']
        assert (answer.status, error['id']) == (403, 'session_refresh_required')
        assert answer.json['redirect_browser_to'] == site.url + '/self-service/login/browser?refresh=true'
        assert error['details'] == {'redirect_browser_to': answer.json['redirect_browser_to'], 'max_age': 900}


def test_rules_around_an_age_keep_their_meaning(site, person):
    """Negated, it is for those whose proof is old; and nobody is sent to mend what would not let them in."""
    assert [status(site, person, place) for place in ('stale', 'stale-for-one', 'all', 'any')] == [403, 403, 403, 200]
    site.clock.forward(15 * 60)
    assert [status(site, person, place) for place in ('stale', 'stale-for-one', 'all', 'any')] == [200, 403, 403, 303]


def test_it_costs_no_statement(site, person, post):
    step_up(site, person, post, 'strong')
    for place in ('session', 'fresh', 'strong', 'strong-fresh'):
        assert status(site, person, place) == 200
    said = [line.split() for line in site.access_log.read_text().splitlines() if line.endswith('/index.html') or line.endswith('/')]
    counts = {path.strip('/').split('/')[0]: n for verdict, n, path in said if verdict == 'granted'}
    assert {counts[place] for place in ('session', 'fresh', 'strong', 'strong-fresh')} == {'1'}


@pytest.mark.parametrize('lines, words', [
    ('Require kratos-session max-age=15', '"max-age=15" is no duration: write a number and its unit, such as max-age=15m'),
    ('Require kratos-aal aal2 max-age=0', 'would let nobody in'),
    ('Require kratos-aal max-age=15m', 'aal1 or aal2'),
    ('Require kratos-session 15m', 'max-age=15m'),
])
def test_a_wrong_age_stops_httpd_with_the_line_and_what_to_write(request, lines, words):
    flags = ['check'] + (['san'] if request.config.getoption('--san') else [])
    server = Server(base(1), gate=True, flags=flags, lines={'gate_extra': f'<Location "/x">\n{lines}\n</Location>\n'}, wait=False)
    try:
        assert server.proc.wait(20) != 0
        assert words in server.log() and re.search(r'line 2 of .*gate_extra', server.log())
    finally:
        server.announced.append(re.compile('.'))
        server.stop()


# -- accounts without a second factor --------------------------------------------------------------

@pytest.fixture(scope='module')
def bare(request, database, post):
    """Codes are a second factor, and nobody has one: no address is a credential."""
    settings = merge(account(uri=post.uri), CODES)
    server = start_gate(request, database, places().replace('${KRATOS_TEST_LOG}', '/dev/null'), settings, before=ALIAS, clock=True)
    server.expect_log('AH0163[01]')
    add_pages(server, *RULES)
    yield server
    end(server)


WORDS = {'en': 'Set up a second step', 'de': 'Zweiten Schritt einrichten', 'es': 'Configurar un segundo paso',
         'fr': 'Configurer une deuxième étape'}


@pytest.mark.parametrize('language', WORDS)
def test_people_without_a_second_factor_are_told_where_to_set_one_up(bare, language):
    person, wanted = member(bare, 'browser'), bare.gate + '/strong/?x=1'
    answer = person.get(wanted, headers={'Accept-Language': language})
    assert answer.status == 403 and answer.header('Content-Language') == language
    assert WORDS[language] in answer.body.decode() and '<script' not in answer.body.decode()
    link = re.search(r'class="button primary" href="([^"]+)"', answer.body.decode())[1]
    assert link == f'{bare.url}/self-service/settings/browser?return_to={quote(wanted, safe="")}'
    policy = answer.header('Content-Security-Policy')
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and 'unsafe' not in policy
    assert answer.header('Cache-Control') == 'no-store' and answer.header('X-Frame-Options') == 'DENY'
    assert 'data:text/css' in answer.body.decode()           # nothing is loaded from a place that may not be there
    begun = person.get(link).must(303)
    assert person.fetch('settings', begun.flow_id).must(200).json['return_to'] == wanted


def test_the_page_of_the_owner_comes_before_ours(bare):
    answer = member(bare, 'browser').get(bare.gate + '/own-page/')
    assert (answer.status, answer.body.decode()) == (403, 'words of the owner')


@pytest.mark.parametrize('kind', ['ajax', 'native'])
def test_programs_without_a_second_factor_are_told_so(bare, kind):
    answer = member(bare, kind).get(bare.gate + '/strong/')
    error = answer.json['error']
    assert (answer.status, error['id']) == (403, 'session_aal2_unavailable') and 'redirect_browser_to' not in answer.json
    assert error['details'] == {'settings_url': bare.url + '/self-service/settings/browser'}


# -- an authenticator app ---------------------------------------------------------------------------

@pytest.fixture(scope='module')
def with_apps(request, database):
    settings = merge(account(), merge(nested('selfservice.methods.totp.enabled', True), nested('session.whoami.required_aal', 'aal1')))
    server = start_gate(request, database, places().replace('${KRATOS_TEST_LOG}', '/dev/null'), settings, before=ALIAS, clock=True)
    server.expect_log('AH0163[01]')
    add_pages(server, *RULES)
    yield server
    end(server)


def set_up(site, person, wanted):
    """From the page that says what misses to an app, and back to the place."""
    link_to = re.search(r'class="button primary" href="([^"]+)"', person.get(wanted).body.decode())[1].replace('&amp;', '&')
    flow = person.fetch('settings', person.get(link_to).must(303).flow_id).must(200)
    app = App(site, shown(flow))
    assert link(person, flow, app.code()).must(303).location == wanted
    return app


def give_code(person, away, app):
    """The code of the app at the login that a redirect leads to; where that leads."""
    flow = person.fetch('login', person.get(away.location).must(303).flow_id).must(200)
    return give(person, flow, app.next()).must(303).location


def test_who_has_no_second_factor_sets_one_up_and_is_back_where_they_wanted(with_apps):
    site, wanted = with_apps, with_apps.gate + '/strong-fresh/?x=%2F'
    owner = member(site, 'browser')
    assert owner.get(wanted).status == 403
    app = set_up(site, owner, wanted)
    assert owner.get(wanted).status == 200

    person = site.browser()                     # another day, another browser
    away = person.get(wanted).must(303)
    flow = person.fetch('login', person.get(away.location).must(303).flow_id).must(200)
    assert person.submit('login', flow, {'method': 'password', 'identifier': owner.email, 'password': PASSWORD}).must(303).location == wanted
    away = person.get(wanted)
    assert sent_to(away, aal='aal2') == wanted and give_code(person, away, app) == wanted
    assert person.get(wanted).status == 200
    site.clock.forward(15 * 60)
    away = person.get(wanted)
    assert sent_to(away, aal='aal2', refresh='true') == wanted and give_code(person, away, app) == wanted
    assert person.get(wanted).status == 200


def test_a_factor_that_was_taken_away_is_not_asked_for_again(with_apps):
    """The session keeps its level; once that is to be proved anew there is nothing to prove it by, and no empty form to wait at."""
    site, person, wanted = with_apps, member(with_apps, 'browser'), with_apps.gate + '/strong-fresh/'
    set_up(site, person, wanted)
    person.submit('settings', person.start('settings'), {'totp_unlink': 'true'}).must(303)
    assert person.get(wanted).status == 200 and person.session()['authenticator_assurance_level'] == 'aal2'
    site.clock.forward(15 * 60)
    assert status(site, person, 'strong') == 200
    answer = person.get(wanted)
    assert answer.status == 403 and WORDS['en'] in answer.body.decode()


# -- a gate that lags behind -------------------------------------------------------------------------

def test_a_gate_that_does_not_see_the_second_factor_is_found_out(site, person, post):
    """As one that reads a copy of the database which lags behind would: it sends back whom the login has nothing to ask."""
    step_up(site, person, post, 'strong')
    back = site.gate + '/strong/?lag'
    ask = {'aal': 'aal2', 'gate': 'aal1', 'return_to': back}
    for _ in range(2):
        assert person.get('/self-service/login/browser', ask).must(303).location == back
    told = person.get('/self-service/login/browser', ask).must(303)
    assert told.location.startswith(UI + '/error?id=')
    error = person.get(site.url + '/self-service/errors?' + urlsplit(told.location).query, accept='application/json').json['error']
    assert 'lags behind' in error['reason'] and error['details'] == {'gate': 'aal1', 'return_to': back}
    assert 'KR0815' in site.log() and '(aal1)' in site.log()
    assert person.get('/self-service/login/browser', ask).must(303).location == back    # "try again" begins anew


def test_a_gate_that_does_not_see_a_fresh_proof_is_found_out_without_asking_anybody_again(site, person):
    back = site.gate + '/fresh/?lag'
    ask = {'refresh': 'true', 'gate': 'old', 'max_age': '900', 'return_to': back}
    for _ in range(2):                          # who confirmed a moment ago is not asked for a password again
        assert person.get('/self-service/login/browser', ask).must(303).location == back
    assert person.get('/self-service/login/browser', ask).must(303).location.startswith(UI + '/error?id=')
    site.clock.forward(900)                     # now it is old here, too
    assert '/login?flow=' in person.get('/self-service/login/browser', ask).must(303).location


@pytest.mark.parametrize('age', ['', 'x', '-1', '1e9', '9' * 40, '900s', '0'])
def test_an_age_that_makes_no_sense_asks_as_before(site, person, age):
    answer = person.get('/self-service/login/browser', {'refresh': 'true', 'gate': 'old', 'max_age': age}).must(303)
    assert '/login?flow=' in answer.location
    plain = person.get('/self-service/login/browser', {'refresh': 'true', 'max_age': '900'}).must(303)
    assert '/login?flow=' in plain.location     # for those whom no gate sent nothing changes


def test_a_browser_that_does_not_keep_the_new_cookie_is_told_so(site, person):
    """A confirmed sign-in has another cookie; with that of before it would be asked again and again."""
    name, old = person.cookie('ory_kratos_session')
    site.clock.forward(15 * 60)
    away = person.get(site.gate + '/fresh/')
    flow = person.fetch('login', person.get(away.location).must(303).flow_id).must(200)
    person.submit('login', flow, {'method': 'password', 'identifier': person.email, 'password': PASSWORD}).must(303)
    person.cookies[name] = old
    again = person.get(site.gate + '/fresh/')
    sent_to(again, refresh='true')
    told = person.get(again.location).must(303)
    assert told.location.startswith(UI + '/error?id=')
    error = person.get(site.url + '/self-service/errors?' + urlsplit(told.location).query, accept='application/json').json['error']
    assert error['details']['gate'] == 'unkept'
