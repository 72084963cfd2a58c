# SPDX-License-Identifier: Apache-2.0
"""Things break while people sign up, in and out; afterwards all that they were told holds. In short: build/chaos has more of it, and more things."""
from types import SimpleNamespace

import pytest

from chaos import aftermath
from chaos.aftermath import accounts, agrees, mail, sessions
from chaos.scenarios import play
from chaos.stage import MARIADB, SQLITE, Stage
from lib.serving import wait_for

SHORT = [('children', SQLITE), ('parent', SQLITE), ('restarts', SQLITE),
         ('addresses', MARIADB), ('cut', MARIADB), ('killed', MARIADB), ('full', SQLITE)]
OWN = ('killed',)           # what is done to the database server there nobody else shall notice


@pytest.mark.parametrize('name, kind', SHORT, ids=['-'.join(one) for one in SHORT])
def test_what_clients_were_told_holds(request, name, kind):
    shared = SimpleNamespace(mariadb=request.getfixturevalue('mariadb') if kind == MARIADB and name not in OWN else None)
    stage = play(name, kind, shared, short=True)
    assert not stage.faults, stage.line


@pytest.fixture
def stage():
    stage = Stage('spoilt', SQLITE, None, short=True)
    yield stage
    stage.close()


def test_what_does_not_hold_is_found(stage, monkeypatch):
    """The checks themselves: each is shown what it is there for."""
    house = stage.open(session_cache=None)      # nobody tells it of changes that are made behind its back
    with stage.people(3) as crowd:
        wait_for(lambda: stage.ledger.count('ended') > 1 and len(stage.ledger.accounts) > 3)
    assert crowd.seen.statuses[200] and stage.verdict_so_far() == []
    lost, half, *_ = house.sql('SELECT id FROM identities ORDER BY id')
    for spoil in (f"DELETE FROM identities WHERE id = '{lost[0]}'",
                  f"UPDATE identity_addresses SET value = 'other@example.org' WHERE recovery = 1 AND identity_id = '{half[0]}'",
                  'UPDATE sessions SET active = 1',
                  "UPDATE courier_messages SET send_after = send_after - 61000000, status = 'queued' WHERE status = 'sent'",
                  "UPDATE courier_messages SET status = 'abandoned' WHERE id = (SELECT MIN(id) FROM courier_messages)"):
        house.sql(spoil)
    found = '\n'.join(fault for check in (agrees, accounts, sessions) for fault in check(house, stage.ledger))
    assert 'is lost' in found and 'is half written' in found and 'is ended, and is let in' in found
    monkeypatch.setattr(aftermath, 'SETTLED', 1)
    assert 'mail is left in the outbox' in '\n'.join(mail(house, stage.ledger, 0))
