# SPDX-License-Identifier: Apache-2.0
"""Recovery codes: made, kept, shown, used once each, given up."""
import pytest

from lib.account import member, refresh
from lib.clients import messages
from lib.factors import FACTORS, again, at_once, at_rest, enrol_codes, held, keep_codes, level, make_codes, reveal, second, use_code
from lib.settings import UI, merge, nested

CROWD = 20
UNKNOWN, USED, NONE, MISSING, REASON, SAVED = 4000016, 4000012, 4000014, 4000002, 4000001, 1050001
HIDDEN = '\u2022' * 8
LATE = 61           # seconds after which factors change only with a fresh sign-in, where a test says so
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
    code = enrol_codes(owner)[3]
    crowd = [again(server, owner) for _ in range(CROWD)]
    flows = [second(client) for client in crowd]
    answers = at_once([lambda c=c, f=f: use_code(c, code, f) for c, f in zip(crowd, flows)])
    assert sorted(a.status for a in answers) == [200] + [400] * (CROWD - 1)
    assert {tuple(messages(a)) for a in answers if a.status == 400} == {(USED,)}
    assert sorted(level(client) for client in crowd) == ['aal1'] * (CROWD - 1) + ['aal2']


def test_twelve_used_at_once_are_all_used_and_none_comes_back(server):
    owner = member(server)
    codes = enrol_codes(owner)
    crowd = [again(server, owner) for _ in codes]
    flows = [second(client) for client in crowd]
    answers = at_once([lambda c=c, f=f, x=x: use_code(c, x, f) for c, f, x in zip(crowd, flows, codes)])
    assert [a.status for a in answers] == [200] * len(codes)
    assert reveal(owner) == [None] * len(codes)
    late = again(server, owner)
    for code in codes:
        assert messages(use_code(late, code).must(400)) == [USED]


def test_when_all_are_used_a_second_factor_is_still_asked_for(server):
    owner = member(server)
    codes = enrol_codes(owner)
    for code in codes:
        use_code(again(server, owner), code).must(200)
    client = again(server, owner)
    assert second(client).node('lookup_secret') == '' and level(client) == 'aal1'


# -- made and kept --------------------------------------------------------------------------

def test_they_are_good_from_the_moment_that_they_are_kept(server, kind):
    owner = member(server, kind)
    flow, codes = make_codes(owner)
    assert len(set(codes)) == 12 and all(len(code) == 8 for code in codes)
    assert messages(use_code(again(server, owner), codes[0]).must(400)) == [NONE]
    assert level(owner) == 'aal1' and held(server, owner.email, 'lookup_secret') == 0
    keep_codes(owner, flow).must(200, 303)
    assert level(owner) == 'aal2'
    use_code(again(server, owner), codes[0]).must(200)


def test_new_ones_void_the_old_ones_when_they_are_kept_and_not_before(server):
    owner = member(server)
    old = enrol_codes(owner)
    flow, new = make_codes(owner)
    use_code(again(server, owner), old[0]).must(200)
    keep_codes(owner, flow).must(200)
    assert messages(use_code(again(server, owner), old[1]).must(400)) == [UNKNOWN]
    use_code(again(server, owner), new[0]).must(200)


def test_made_again_in_one_form_the_last_ones_count(server):
    owner = member(server)
    flow, first = make_codes(owner)
    owner.submit('settings', flow, {'lookup_secret_regenerate': 'true'}).must(200)
    keep_codes(owner, flow).must(200)
    assert messages(use_code(again(server, owner), first[0]).must(400)) == [UNKNOWN]
    assert reveal(owner)[0] != first[0]


def test_one_form_sent_twice_at_once_keeps_one_set(server):
    for _ in range(4):
        owner = member(server, 'native')
        flow, codes = make_codes(owner)
        answers = at_once([lambda: keep_codes(owner, flow) for _ in range(2)])
        assert 200 in [a.status for a in answers] and {a.status for a in answers} <= {200, 400}
        assert held(server, owner.email, 'lookup_secret') == 1
        use_code(again(server, owner), codes[5]).must(200)


def test_of_two_forms_at_once_one_set_is_left_whole(server):
    for _ in range(4):
        owner = member(server, 'native')
        made = [make_codes(owner) for _ in range(2)]
        answers = at_once([lambda f=f: keep_codes(owner, f) for f, _ in made])
        assert [a.status for a in answers] == [200, 200] and held(server, owner.email, 'lookup_secret') == 1
        good = [[use_code(again(server, owner), code).status for code in codes[:2]] for _, codes in made]
        assert sorted(good) == [[200, 200], [400, 400]]


def test_what_was_not_made_cannot_be_kept_nor_shown(server, kind):
    owner = member(server, kind)
    for what in ('confirm', 'reveal'):
        flow = owner.start('settings')
        owner.submit('settings', flow, {f'lookup_secret_{what}': 'true'})
        assert messages(owner.fetch('settings', flow.flow_id)) == [REASON]
    flow, _ = make_codes(owner)
    keep_codes(owner, flow).must(200, 303)
    keep_codes(owner, flow)
    said = [SAVED] if kind == 'browser' else [REASON]      # people click twice
    assert messages(owner.fetch('settings', flow.flow_id)) == said, 'they are kept already'


# -- shown ----------------------------------------------------------------------------------

def test_who_made_them_is_shown_them_again_and_which_were_used(server, kind):
    owner = member(server, kind)
    codes = enrol_codes(owner)
    use_code(again(server, owner), codes[4]).must(200)
    expected = codes[:4] + [None] + codes[5:]
    assert reveal(owner) == expected
    assert reveal(owner) == expected, 'again, in another form'


def test_another_session_is_told_which_were_used_and_nothing_else(server):
    owner = member(server)
    codes = enrol_codes(owner)
    other = again(server, owner, 'ajax')
    use_code(other, codes[0]).must(200)
    assert reveal(other) == [None] + [HIDDEN] * 11
    assert reveal(owner)[1:] == codes[1:]


def test_when_the_form_that_made_them_is_over_they_are_hidden(server):
    owner = member(server)
    enrol_codes(owner)
    server.clock.forward(31 * 60)
    assert reveal(owner) == [HIDDEN] * 12


def test_when_others_were_made_there_and_not_kept_they_are_hidden(server):
    owner = member(server)
    flow, codes = make_codes(owner)
    keep_codes(owner, flow).must(200)
    owner.submit('settings', flow, {'lookup_secret_regenerate': 'true'}).must(200)
    assert reveal(owner) == [HIDDEN] * 12
    use_code(again(server, owner), codes[0]).must(200)


def test_a_hidden_code_is_no_code(server):
    owner = member(server)
    enrol_codes(owner)
    assert messages(use_code(again(server, owner), HIDDEN).must(400)) == [UNKNOWN]


# -- used -----------------------------------------------------------------------------------

@pytest.mark.parametrize('typed', [
    lambda code: f' {code}\r\n',
    lambda code: f'{code[:4]} {code[4:]}',
    lambda code: f'{code[:4]}-{code[4:]}',
    str.upper,
    lambda code: ''.join(chr(ord(c) + 0xfee0) for c in code),
    lambda code: f'{code[:4].upper()}\u2013\u3000{code[4:]}',
], ids=['blanks around', 'a blank', 'a dash', 'capitals', 'wide letters', 'all of it'])
def test_codes_are_understood_as_people_type_them(server, kind, typed):
    owner = member(server)
    code = enrol_codes(owner)[7]
    client = again(server, owner, kind)
    use_code(client, typed(code)).must(200, 303)
    assert level(client) == 'aal2'


@pytest.mark.parametrize('sent, said', [
    ({}, MISSING), ({'lookup_secret': ''}, MISSING), ({'lookup_secret': 'aaaaaaaa'}, UNKNOWN), ({'lookup_secret': 'x' * 10000}, UNKNOWN),
    ({'lookup_secret': '-'}, UNKNOWN), ({'lookup_secret': '\u0430' * 8}, UNKNOWN),
])
def test_what_is_no_code_is_told_apart(server, kind, sent, said):
    owner = member(server)
    enrol_codes(owner)
    client = again(server, owner, kind)
    flow = second(client)
    client.submit('login', flow, {'method': 'lookup_secret', **sent})
    flow = client.fetch('login', flow.flow_id)
    field = next(n['attributes'] for n in flow.json['ui']['nodes'] if n['attributes'].get('name') == 'lookup_secret')
    assert messages(flow) == [said] and 'value' not in field


def test_nobody_elses_code_opens_anything(server):
    ana, eve = member(server), member(server)
    theirs, own = enrol_codes(ana), enrol_codes(eve)
    client = again(server, eve)
    assert messages(use_code(client, theirs[0]).must(400)) == [UNKNOWN]
    assert level(client) == 'aal1'
    use_code(client, own[0]).must(200)
    use_code(again(server, ana), theirs[0]).must(200)


def test_who_has_none_is_told(server, kind):
    client = member(server, kind)
    flow = second(client)
    use_code(client, 'aaaaaaaa', flow)
    assert messages(client.fetch('login', flow.flow_id)) == [NONE]


def test_given_up_they_open_nothing(server, kind):
    owner = member(server, kind)
    codes = enrol_codes(owner)
    flow = owner.start('settings')
    owner.submit('settings', flow, {'lookup_secret_disable': 'true'}).must(200, 303)
    assert held(server, owner.email, 'lookup_secret') == 0
    assert messages(use_code(again(server, owner), codes[0]).must(400)) == [NONE]
    assert owner.fetch('settings', flow.flow_id).node('lookup_secret_regenerate') == 'true'


# -- a fresh sign-in -------------------------------------------------------------------------

def waits(server, what, prepare=lambda owner: None):
    """Somebody with an old session asks for that, signs in again, and comes back: the client, what was prepared, the flow afterwards."""
    owner = member(server, 'browser')
    prepared = prepare(owner)
    flow = prepared[0] if what == 'confirm' else owner.start('settings')
    server.clock.forward(LATE)
    answer = owner.submit('settings', flow, {f'lookup_secret_{what}': 'true'}).must(303)
    assert 'refresh=true' in answer.location
    assert owner.get(refresh(owner, answer).location).must(303).location == f'{UI}/settings?flow={flow.flow_id}'
    return owner, prepared, owner.fetch('settings', flow.flow_id).must(200)


def names(flow):
    return {n['attributes'].get('name') or n['attributes'].get('id') for n in flow.json['ui']['nodes'] if n['group'] == 'lookup_secret'}


def test_making_them_waits_for_it(strict):
    owner, _, flow = waits(strict, 'regenerate')
    assert names(flow) == {'lookup_secret_codes', 'lookup_secret_confirm'}
    keep_codes(owner, flow).must(303)
    assert held(strict, owner.email, 'lookup_secret') == 1


def test_keeping_them_waits_for_it(strict):
    owner, (_, codes), flow = waits(strict, 'confirm', make_codes)
    assert flow.json['state'] == 'success'
    use_code(again(strict, owner), codes[0]).must(200)


def test_showing_them_waits_for_it(strict):
    _, codes, flow = waits(strict, 'reveal', enrol_codes)
    assert names(flow) == {'lookup_secret_codes', 'lookup_secret_disable', 'lookup_secret_regenerate'}
    assert codes[0].encode() in flow.body


def test_giving_them_up_waits_for_it(strict):
    owner, _, flow = waits(strict, 'disable', enrol_codes)
    assert flow.json['state'] == 'success' and held(strict, owner.email, 'lookup_secret') == 0


@pytest.mark.parametrize('what', ['regenerate', 'confirm', 'reveal', 'disable'])
def test_a_program_is_told_to_sign_in_again(strict, what):
    owner = member(strict, 'native')
    enrol_codes(owner)
    flow = owner.start('settings')
    strict.clock.forward(LATE)
    answer = owner.submit('settings', flow, {f'lookup_secret_{what}': True}).must(403)
    assert answer.json['error']['id'] == 'session_refresh_required'
    assert held(strict, owner.email, 'lookup_secret') == 1


# -- at rest ---------------------------------------------------------------------------------

def test_no_code_stands_in_the_database(serve):
    server = serve(FACTORS, clock=True)
    owner = member(server)
    codes = enrol_codes(owner)
    _, waiting = make_codes(owner)
    reveal(owner)
    use_code(again(server, owner), codes[0]).must(200)
    rows = at_rest(server)
    assert 'recovery_codes' in rows and 'lookup_secret_confirm' in rows, 'this looks at the wrong place'
    for code in codes + waiting:
        assert code not in rows


def test_a_row_is_of_no_use_in_another_account(serve):
    server = serve(FACTORS)
    ana, eve = member(server), member(server)
    enrol_codes(ana)
    theirs = enrol_codes(eve)
    ids = {c: server.ctl.json('identity', 'get', c.email)[0]['id'] for c in (ana, eve)}
    one = f"FROM (SELECT * FROM identity_credentials) AS c WHERE c.type = 'lookup_secret' AND c.identity_id = '{ids[eve]}'"
    server.sql(f"UPDATE identity_credentials SET config = (SELECT c.config {one}) WHERE type = 'lookup_secret' "
               f"AND identity_id = '{ids[ana]}'")
    assert messages(use_code(again(server, ana), theirs[1]).must(400)) == [UNKNOWN]


def test_a_new_secret_in_front_knows_what_the_old_one_hashed(serve, stop):
    old, new = 'an-old-secret-for-tests-only', 'a-newer-secret-for-tests-only'
    server = serve(merge(FACTORS, nested('secrets.cookie', [old])))
    owner = member(server)
    codes = enrol_codes(owner)
    for secrets, status in (([new, old], 200), ([new], 400)):
        stop(server, keep=True)
        server = serve(merge(FACTORS, nested('secrets.cookie', secrets)), dir=server.dir, db=server.db, port=server.port)
        use_code(again(server, owner), codes.pop()).must(status)


def test_the_method_can_be_switched_off(serve):
    server = serve(merge(FACTORS, nested('selfservice.methods.lookup_secret.enabled', False)))
    client = member(server)
    assert b'lookup_secret' not in client.start('settings').body
    assert client.submit('settings', client.start('settings'), {'method': 'lookup_secret', 'lookup_secret_regenerate': True}).status == 404
    assert use_code(client, 'aaaaaaaa').status == 404
