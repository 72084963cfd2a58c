# SPDX-License-Identifier: Apache-2.0
"""An authenticator app as second factor: set up, used, removed; each of its codes once."""
import pytest

from lib.account import member, refresh
from lib.clients import messages
from lib.factors import FACTORS, App, again, at_once, at_rest, enrol, give, held, level, link, second, shown, step_up
from lib.settings import UI, merge, nested

CROWD = 20
WRONG, MISSING, SHORT, NONE, REASON = 4000008, 4000002, 4000003, 4000011, 4000001
LATE = 61           # seconds after which credentials change only with a fresh sign-in, where a test says so
pytestmark = pytest.mark.san


@pytest.fixture(scope='module')
def server(factors):
    return factors


@pytest.fixture(scope='module')
def strict(strict_factors):
    return strict_factors


# -- once ----------------------------------------------------------------------------------

def test_of_many_who_bring_one_code_at_once_one_gets_in(server):
    owner = member(server)
    app = enrol(server, owner)
    crowd = [again(server, owner) for _ in range(CROWD)]
    flows = [second(client) for client in crowd]
    code = app.next()
    answers = at_once([lambda c=c, f=f: give(c, f, code) for c, f in zip(crowd, flows)])
    assert sorted(a.status for a in answers) == [200] + [400] * (CROWD - 1)
    assert {tuple(messages(a)) for a in answers if a.status == 400} == {(WRONG,)}
    assert sorted(level(client) for client in crowd) == ['aal1'] * (CROWD - 1) + ['aal2']


def test_one_flow_that_is_sent_many_times_at_once_uses_its_code_once(server):
    owner = member(server)
    app = enrol(server, owner)
    client = again(server, owner)
    flow, code = second(client), app.next()
    answers = at_once([lambda: give(client, flow, code) for _ in range(8)])
    assert 200 in [a.status for a in answers] and not [a for a in answers if a.status >= 500]
    assert step_up(again(server, owner), code).status == 400


def test_the_code_that_set_the_app_up_opens_nothing(server, kind):
    owner = member(server, kind)
    flow = owner.start('settings')
    app = App(server, shown(flow))
    code = app.code()
    link(owner, flow, code).must(200, 303)
    other = again(server, owner)
    assert messages(step_up(other, code).must(400)) == [WRONG]
    assert level(other) == 'aal1'
    step_up(other, app.next()).must(200)
    assert level(other) == 'aal2'


def test_a_code_from_before_the_last_one_opens_nothing(server):
    owner = member(server)
    app = enrol(server, owner)
    app.next()
    earlier, present, later = app.code(-1), app.next(), app.code(1)
    step_up(again(server, owner), later).must(200)          # clocks differ: a period ahead is taken
    for code in (earlier, present, later):
        assert messages(step_up(again(server, owner), code).must(400)) == [WRONG]
    app.next()
    step_up(again(server, owner), app.next()).must(200)


@pytest.mark.parametrize('late', [-2, 2])
def test_two_periods_off_is_wrong(server, late):
    owner = member(server)
    app = enrol(server, owner)
    server.clock.forward(120)
    assert messages(step_up(again(server, owner), app.code(late)).must(400)) == [WRONG]


# -- set up ---------------------------------------------------------------------------------

def test_the_session_that_sets_it_up_is_of_two_factors_at_once_and_no_other(server, kind):
    owner = member(server, kind)
    other = again(server, owner)
    enrol(server, owner)
    assert level(owner) == 'aal2' and level(other) == 'aal1'
    assert [m['method'] for m in owner.session()['authentication_methods']] == ['password', 'totp']


def test_a_wrong_code_keeps_the_seed_and_sets_nothing_up(server, kind):
    owner = member(server, kind)
    flow = owner.start('settings')
    app = App(server, shown(flow))
    link(owner, flow, app.wrong)
    shown_again = owner.fetch('settings', flow.flow_id)
    assert messages(shown_again) == [WRONG] and shown(shown_again) == app.secret
    assert level(owner) == 'aal1' and held(server, owner.email, 'totp') == 0
    link(owner, flow, app.code()).must(200, 303)
    assert held(server, owner.email, 'totp') == 1


def test_each_form_shows_another_seed(server):
    owner = member(server)
    seeds = {shown(owner.start('settings')) for _ in range(3)}
    assert len(seeds) == 3


@pytest.mark.parametrize('typed', [
    lambda code: f' {code}\r\n',
    lambda code: f'{code[:3]} {code[3:]}',
    lambda code: f'{code[:3]}-{code[3:]}',
    lambda code: ''.join(chr(ord(digit) + 0xfee0) for digit in code),
    lambda code: f'{code[:3]}\u3000{code[3:]}',
], ids=['blanks around', 'a blank', 'a dash', 'wide digits', 'a wide blank'])
def test_codes_are_understood_as_people_type_them(server, typed):
    owner = member(server)
    flow = owner.start('settings')
    app = App(server, shown(flow))
    link(owner, flow, typed(app.code())).must(200)
    step_up(again(server, owner), typed(app.next())).must(200)


def test_an_app_may_send_the_code_as_a_number(server):
    owner = member(server)
    app = enrol(server, owner)
    code = app.next()
    while code.startswith('0'):
        code = app.next()
    client = again(server, owner)
    client.submit('login', second(client), {'method': 'totp', 'totp_code': int(code)}).must(200)


def test_two_forms_at_once_set_up_one_app_and_the_other_is_told(server):
    for _ in range(4):
        owner = member(server)
        flows = [owner.start('settings') for _ in range(2)]
        codes = [App(server, shown(flow)).code() for flow in flows]
        answers = at_once([lambda f=f, c=c: link(owner, f, c) for f, c in zip(flows, codes)])
        assert sorted(a.status for a in answers) == [200, 400]
        assert [messages(a) for a in answers if a.status == 400] == [[REASON]]
        assert held(server, owner.email, 'totp') == 1
        won = flows[[a.status for a in answers].index(200)]
        step_up(again(server, owner), App(server, shown(won)).next()).must(200)


def test_one_form_sent_twice_at_once_is_done_once(server):
    for _ in range(4):
        owner = member(server, 'native')
        flow = owner.start('settings')
        code = App(server, shown(flow)).code()
        answers = at_once([lambda: link(owner, flow, code) for _ in range(2)])
        assert [a.status for a in answers] == [200, 200] and held(server, owner.email, 'totp') == 1


def test_a_form_that_still_shows_another_seed_does_not_say_that_all_is_well(server):
    owner = member(server)
    old = owner.start('settings')
    app = enrol(server, owner)
    answer = link(owner, old, App(server, shown(old)).code()).must(400)
    assert messages(answer) == [REASON] and 'another authenticator app' in answer.json['ui']['messages'][0]['text']
    step_up(again(server, owner), app.next()).must(200)


def test_once_linked_another_submit_without_a_seed_changes_nothing(server, kind):
    owner = member(server, kind)
    app = enrol(server, owner)
    flow = owner.start('settings')
    owner.submit('settings', flow, {'method': 'totp', 'totp_code': '000000'}).must(200, 303)
    assert owner.fetch('settings', flow.flow_id).json['state'] == 'success'
    step_up(again(server, owner), app.next()).must(200)


# -- removed --------------------------------------------------------------------------------

def test_it_is_removed_and_the_next_one_has_another_seed(server, kind):
    owner = member(server, kind)
    app = enrol(server, owner)
    flow = owner.start('settings')
    assert flow.node('totp_unlink') == 'true' and b'totp_secret_key' not in flow.body
    owner.submit('settings', flow, {'totp_unlink': 'true'}).must(200, 303)
    assert held(server, owner.email, 'totp') == 0 and level(owner) == 'aal2'
    assert shown(owner.fetch('settings', flow.flow_id)) != app.secret
    assert messages(step_up(again(server, owner), app.next()).must(400)) == [NONE]


def test_a_flow_of_who_has_none_offers_nothing(server):
    client = member(server)
    flow = second(client)
    assert [n['attributes'].get('name') for n in flow.json['ui']['nodes']] == ['csrf_token']
    assert messages(give(client, flow, '123456').must(400)) == [NONE]


@pytest.mark.parametrize('sent, said', [
    ({}, MISSING), ({'totp_code': ''}, MISSING), ({'totp_code': '1'}, SHORT), ({'totp_code': '12345'}, SHORT),
    ({'totp_code': '1234567'}, WRONG), ({'totp_code': '123 45'}, WRONG), ({'totp_code': 'x' * 10000}, WRONG),
    ({'totp_code': '٠١٢٣٤٥'}, WRONG), ({'totp_code': '\ufeff' * 6}, WRONG),
])
def test_what_is_no_code_is_told_apart(server, kind, sent, said):
    owner = member(server)
    enrol(server, owner)
    client = again(server, owner, kind)
    flow = second(client)
    client.submit('login', flow, {'method': 'totp', **sent})
    flow = client.fetch('login', flow.flow_id)
    field = next(n['attributes'] for n in flow.json['ui']['nodes'] if n['attributes'].get('name') == 'totp_code')
    assert messages(flow) == [said] and 'value' not in field


@pytest.mark.parametrize('sent', [['123456'], {'a': 1}, None, True])
def test_a_code_of_another_type_is_refused(server, sent):
    owner = member(server)
    enrol(server, owner)
    client = again(server, owner)
    assert client.submit('login', second(client), {'method': 'totp', 'totp_code': sent}).status == 400
    assert level(client) == 'aal1'


def test_somebody_elses_code_or_session_opens_nothing(server):
    ana, eve = member(server), member(server)
    app, other = enrol(server, ana), enrol(server, eve)
    client = again(server, eve)
    flow = second(client)
    assert messages(give(client, flow, app.next()).must(400)) == [WRONG]
    give(again(server, ana), flow, other.code()).must(400)


# -- a fresh sign-in -------------------------------------------------------------------------

def test_a_code_that_fitted_before_the_fresh_sign_in_need_not_fit_after_it(strict):
    owner = member(strict, 'browser')
    flow = owner.start('settings')
    app = App(strict, shown(flow))
    strict.clock.forward(LATE)
    answer = link(owner, flow, app.code()).must(303)
    assert 'refresh=true' in answer.location
    strict.clock.forward(10 * 60)
    back = refresh(owner, answer)
    assert owner.get(back.location).must(303).location == f'{UI}/settings?flow={flow.flow_id}'
    assert owner.fetch('settings', flow.flow_id).json['state'] == 'success'
    assert held(strict, owner.email, 'totp') == 1 and level(owner) == 'aal2'
    step_up(again(strict, owner), app.next()).must(200)


def test_a_wrong_one_waits_for_it_too_and_links_nothing(strict):
    owner = member(strict)
    flow = owner.start('settings')
    strict.clock.forward(LATE)
    wrong, right = App(strict, shown(flow)).wrong, App(strict, shown(flow)).code()
    assert [link(owner, flow, code).status for code in (wrong, right)] == [403, 403]
    assert held(strict, owner.email, 'totp') == 0


def test_removing_waits_for_it_too(strict):
    owner = member(strict, 'browser')
    enrol(strict, owner)
    flow = owner.start('settings')
    strict.clock.forward(LATE)
    answer = owner.submit('settings', flow, {'totp_unlink': 'true'}).must(303)
    assert held(strict, owner.email, 'totp') == 1
    owner.get(refresh(owner, answer).location).must(303)
    assert held(strict, owner.email, 'totp') == 0


def test_what_waits_in_an_app_is_nothing(strict):
    owner = member(strict, 'native')
    flow = owner.start('settings')
    strict.clock.forward(LATE)
    link(owner, flow, App(strict, shown(flow)).code()).must(403)
    assert held(strict, owner.email, 'totp') == 0


# -- at rest ---------------------------------------------------------------------------------

def test_no_seed_stands_in_the_database(serve):
    server = serve(FACTORS, clock=True)
    owner = member(server)
    waiting = owner.start('settings')
    picture = next(n for n in waiting.json['ui']['nodes'] if n['attributes'].get('id') == 'totp_qr')['attributes']['src']
    link(owner, waiting, '000000').must(400)
    app = enrol(server, owner)
    step_up(again(server, owner), app.next()).must(200)
    rows = at_rest(server)
    assert 'totp_code' in rows and 'totp_url' in rows, 'this looks at the wrong place'
    for secret in (shown(waiting), app.secret, picture[30:200], 'otpauth'):
        assert secret not in rows


def test_a_new_secret_in_front_opens_what_the_old_one_sealed(serve, stop):
    old, new = 'an-old-secret-for-tests-only', 'a-newer-secret-for-tests-only'

    def sealing_with(*secrets):
        return merge(FACTORS, nested('secrets.cookie', list(secrets)))

    server = serve(sealing_with(old), clock=True)
    owner, idle = member(server), member(server)
    app, other = enrol(server, owner), enrol(server, idle)
    for hours, secrets in ((1, [new, old]), (2, [new])):        # what is used is sealed with the new one
        stop(server, keep=True)
        server = serve(sealing_with(*secrets), dir=server.dir, db=server.db, clock=True, port=server.port)
        server.clock.forward(hours * 3600)
        app.server = other.server = server
        step_up(again(server, owner), app.next()).must(200)
    assert messages(step_up(again(server, idle), other.next()).must(400)) == [WRONG]
    server.expect_log('KR0610')


def test_a_seed_is_of_no_use_in_another_account(serve):
    server = serve(FACTORS, clock=True)
    ana, eve = member(server), member(server)
    enrol(server, ana)
    theirs = enrol(server, eve)
    ids = {c: server.ctl.json('identity', 'get', c.email)[0]['id'] for c in (ana, eve)}
    one = f"FROM (SELECT * FROM identity_credentials) AS c WHERE c.type = 'totp' AND c.identity_id = '{ids[eve]}'"
    server.sql(f"UPDATE identity_credentials SET config = (SELECT c.config {one}) WHERE type = 'totp' AND identity_id = '{ids[ana]}'")
    client = again(server, ana)
    assert messages(step_up(client, theirs.next()).must(400)) == [WRONG]
    server.expect_log('KR0610')


def test_the_method_can_be_switched_off(serve):
    server = serve(merge(FACTORS, nested('selfservice.methods.totp.enabled', False)))
    client = member(server)
    assert b'totp' not in client.start('settings').body
    assert client.submit('settings', client.start('settings'), {'method': 'totp', 'totp_code': '123456'}).status == 404
    assert client.submit('login', second(client), {'method': 'totp', 'totp_code': '123456'}).status == 404
