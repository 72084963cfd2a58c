# SPDX-License-Identifier: Apache-2.0
"""Neither time nor work tells whether an address is known. The fine measurement is `build/bench timing`; docs/timing.md."""
import re

import pytest

from lib import timing
from lib.serving import wait_for
from lib.settings import merge, nested
from lib.sink import SinkApart

COUNT = 40          # of each kind; a fault shows in far fewer
TRIES = 5           # a fault shows each time, what else the machine does will not
MEMORY = '8MB'      # argon2 then takes some 5 ms: enough to be missed, little enough to wait for
OPEN = ('registration', )       # here the answer itself tells: somebody has the address already


@pytest.fixture(scope='module')
def sink():
    sink = SinkApart()
    yield sink
    sink.close()


@pytest.fixture(scope='module', params=list(timing.SUBJECTS))
def subject(request):
    return request.param


@pytest.fixture(scope='module')
def asked(request, database, sink, subject):
    """The server for that kind of request, a connection to it, and people who are known there."""
    from conftest import end, start
    server = start(request, database, merge(timing.settings_of(subject, sink.uri), nested('hashers.argon2.memory', MEMORY)))
    line, known = timing.Line(server), timing.of_same_length(20, 7)
    timing.make_known(server, line, subject, known)
    yield server, line, known
    end(server)


def statements(server, line):
    """How many statements each POST on that line took. The log has a line some time after the client has the answer."""
    def logged():
        return re.findall(r'"POST [^\n]* sql=(\d+)', (server.dir / 'access.log').read_text())
    wait_for(lambda: len(logged()) >= line.posts)
    return [int(n) for n in logged()]


def test_time_does_not_tell_who_is_known(asked, subject):
    server, line, known = asked
    for _ in range(TRIES):
        times = timing.samples(line, subject, COUNT, known)
        difference, noise = (timing.difference(times[kind], times['unknown']) for kind in ('known', 'control'))
        if not timing.tells(difference, 0.25) or abs(noise.shift) > abs(difference.shift) / 2:
            return
        if subject in OPEN and abs(difference.shift) < difference.middle / 3:
            return                  # where the answer tells anyway, time has to show that both paid the hash
    pytest.fail(f'{subject}: {difference}')


def test_known_and_unknown_take_as_many_statements(asked, subject):
    server, line, known = asked
    make = timing.SUBJECTS[subject][0]
    for email in (known[0], timing.of_same_length(1, 8)[0]):
        line.submit(*make(email))
    of_known, of_unknown = statements(server, line)[-2:]
    assert of_known == of_unknown or subject in OPEN, (of_known, of_unknown)


def test_what_is_sent_next_takes_as_many_statements_for_known_and_unknown(asked, subject):
    """A wrong code; where none was asked for, some second submit."""
    server, line, known = asked
    make, counts = timing.SUBJECTS[subject][0], []
    for email in (known[0], timing.of_same_length(1, 9)[0]):
        line.submit_twice(*make(email), code='000000')
        counts.append(statements(server, line)[-1])
    assert counts[0] == counts[1] or subject in OPEN, counts
