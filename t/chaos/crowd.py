# SPDX-License-Identifier: Apache-2.0
"""People who come, look round and go, again and again, while something breaks; what they are told goes into the ledger."""
import contextlib
import random
import threading
import time
import traceback

from lib.clients import PASSWORD, messages
from lib.serving import wait_for

from . import ledger as book
from .wire import KINDS, Closed, Lost, Seen, Unsent

EXISTS = 4000007        # the message that an address is taken
EXPIRED = {4010001, 4040001, 4050001}      # a form was too old, and there is a new one: they have not done it yet
SLOW = 20               # seconds: whoever waits as long believes that it hangs


UNSURE = 'may be saved, or not'      # a 503 that says so is as good as no answer


class Later(Exception):
    """503: it was not done, come back."""


class Device:
    """A client of one person, and what it may believe of its session. Its calls raise Later, Lost or Unsent where there is no answer."""

    def __init__(self, crowd, kind, number):
        self.place = crowd.places[number % len(crowd.places)]
        url, self.gate = self.place
        self.crowd, self.client, self.session = crowd, kind(url), None
        self.client.seen = crowd.seen

    def got(self, answer, *statuses, what):
        """That answer, if it is one that may be given there; a page that shows an error is one, too."""
        if answer.status in (302, 303) and '/error?id=' in (answer.location or ''):
            error = self.client.get('/self-service/errors', {'id': answer.location.rpartition('id=')[2]}, accept='application/json')
            code, text = error.json['error']['code'] if error.status == 200 else error.status, error.body
        else:
            code, text = answer.status, answer.body
        if code == 503 and UNSURE in text.decode():
            raise Lost(what)
        if code == 503:
            if answer.status == 503 and not answer.header('Retry-After'):
                self.crowd.ledger.fault(f'{what}: 503 without Retry-After: {answer.body[:200]!r}')
            raise Later(what)
        if code == 410 and self.crowd.ages:
            raise Later(what)
        if code not in statuses:
            self.crowd.ledger.fault(f'{what} ({self.client.kind}): {code} {answer.location or answer.body[:300]!r}')
            raise Later(what)
        return answer

    def flow(self, kind):
        begun = self.got(self.client.init(kind), 200, 303, what=f'begin {kind}')
        return self.got(self.client.fetch(kind, begun.flow_id), 200, what=f'get {kind}') if begun.status == 303 else begun

    def shown_again(self, answer, kind):
        """The form as it is shown again, or None where the submit succeeded."""
        if answer.status == 400:
            return answer
        if answer.status not in (302, 303) or f'/{kind}?flow=' not in answer.location:
            return None
        again = self.got(self.client.fetch(kind, answer.flow_id), 200, what=f'get {kind}')
        if self.crowd.ages and EXPIRED & set(messages(again)):
            raise Later(kind)
        return again

    def begin_session(self, account):
        name, value = self.client.cookie('ory_kratos_session')
        shown = {'Cookie': f'{name}={value}'} if name else {'X-Session-Token': self.client.token}
        self.session = self.crowd.ledger.issued(account, shown)

    # -- what people do ----------------------------------------------------------

    def join(self, email):
        """Asks for an account. What came of it stands in the ledger."""
        tell = self.crowd.ledger.told
        flow = self.flow('registration')
        body = {'method': 'password', 'password': PASSWORD, 'traits': {'email': email}}
        try:
            answer = self.got(self.client.submit('registration', flow, body), 200, 302, 303, 400, what='join')
        except (Later, Unsent):
            tell(email, book.REFUSED)
            raise
        except Lost:
            tell(email, book.PERHAPS)
            raise
        again = self.shown_again(answer, 'registration')
        if again:
            if EXISTS not in messages(again):
                self.crowd.ledger.fault(f'join: {messages(again)}')
            tell(email, book.TAKEN)
            return book.TAKEN
        account = tell(email, book.MADE)
        self.client._keep_token(answer)
        self.begin_session(account)
        return book.MADE

    def sign_in(self, account):
        email = next(iter(account.emails))
        answer = self.got(self.client.submit('login', self.flow('login'), {'method': 'password', 'identifier': email, 'password': PASSWORD}),
                          200, 302, 303, 400, what='sign in')
        again = self.shown_again(answer, 'login')
        if again:
            self.crowd.ledger.fault(f'sign in as {email}, which there is: {messages(again)}')
            raise Later('sign in')
        self.client._keep_token(answer)
        self.begin_session(account)

    def look(self):
        """whoami and the gate, which must say what the ledger does."""
        alive, old = self.session.state_at(self.place), self.session.account.may_be_old(self.place)
        answer = self.got(self.client.whoami(), 200, 401, what='whoami')
        self.expect(alive, answer.status == 200, 'whoami')
        if answer.status == 200 and not old:
            self.settle(answer.json['identity']['traits']['email'])
        answer = self.got(self.client.get(self.gate + '/'), 200, 401, 302, 303, what='gate')
        self.expect(alive, answer.status == 200, 'gate')

    def expect(self, state, let_in, where):
        if (state == book.ALIVE and not let_in) or (state == book.ENDED and let_in):
            self.crowd.ledger.fault(f'{where}: {"let in" if let_in else "refused"} ({self.client.kind}, {self.place[0]}), its session is {state}')

    def settle(self, email):
        """Which of the addresses that it may have it has."""
        account = self.session.account
        if email not in account.emails:
            self.crowd.ledger.fault(f'whoami: {email}, of {account.emails}')
        account.emails = {email}

    def leave(self):
        """Signs out, and is out at once."""
        with self.perhaps(self.session):
            self.end()
        self.session.end(self.place)

    @contextlib.contextmanager
    def perhaps(self, *sessions):
        """Whether these have ended nobody can say when no answer comes."""
        try:
            yield
        except Lost:
            for session in sessions:
                session.state = book.UNKNOWN
            raise

    def end(self):
        if self.client.kind == 'native':
            self.got(self.client.request('DELETE', '/self-service/logout/api', json_={'session_token': self.client.token}), 204, what='sign out')
            return
        asked = self.got(self.client.get('/self-service/logout/browser', accept='application/json'), 200, what='ask to sign out')
        kept = dict(self.client.cookies)
        self.got(self.client.get('/self-service/logout', {'token': asked.json['logout_token']}), 204, 302, 303, what='sign out')
        self.client.cookies = kept              # as a thief would show it

    def end_others(self, others):
        living = [other.session for other in others if other.session.state == book.ALIVE]
        with self.perhaps(*living):
            self.got(self.client.delete('/sessions'), 200, what='end all others')
        for session in living:
            session.end(self.place)

    def move(self, email):
        """Changes the address: traits, identifier and both addresses of mail, or none of them."""
        account = self.session.account
        flow = self.flow('settings')
        before, account.emails = account.emails, account.emails | {email}
        try:
            answer = self.got(self.client.submit('settings', flow, {'method': 'profile', 'traits': {'email': email}}), 200, 302, 303, 403, what='move')
            self.check_is_fresh(answer)
        except (Later, Unsent):
            account.emails = before
            raise
        finally:
            account.moves(self.place)
        if answer.status != 200:
            answer = self.got(self.client.fetch('settings', answer.flow_id), 200, what='get settings')
        if answer.json['state'] != 'success':
            self.crowd.ledger.fault(f'move: {messages(answer)}')
        self.settle(answer.json['identity']['traits']['email'])

    def check_is_fresh(self, answer):
        """Who signed in too long ago changes nothing."""
        if answer.status == 403 or 'refresh=true' in (answer.location or ''):
            if not self.crowd.ages:
                self.crowd.ledger.fault(f'move: a fresh session is too old: {answer.location or answer.body[:200]!r}')
            raise Later('move')


class Person:
    """One after the other of somebody's lives. Chance is seeded: what they do is the same each time, when they do it is not."""

    def __init__(self, crowd, number):
        self.crowd, self.number, self.lives = crowd, number, 0
        self.chance = random.Random(f'{crowd.seed}.{number}')

    def device(self):
        return Device(self.crowd, self.chance.choice(KINDS), self.chance.randrange(100))

    def address(self, who):
        self.lives += 1
        return f'{who}{self.number}.{self.lives}@{self.crowd.name}.example.org'

    def go_on(self):
        while self.crowd.here:
            devices = []
            try:
                self.live(devices)
            finally:
                for device in devices:
                    device.client.hang_up()

    def live(self, devices):
        email = self.address('ana')
        devices.append(self.device())
        joined = self.until_done(lambda: devices[0].join(email))
        if joined == book.TAKEN:                # a try before, whose answer was lost, had made it
            self.until_done(lambda: devices[0].sign_in(self.crowd.ledger.account(email)))
        if not devices[0].session:
            return
        for _ in range(6):
            if self.crowd.here:
                with contextlib.suppress(Later, Lost, Unsent):
                    self.step(devices)

    def step(self, devices):
        some = [d for d in devices if d.session.state == book.ALIVE]
        for device in devices:
            device.look()
        what = self.chance.randrange(5)
        if not some or what == 0:
            self.come_again(devices)
        elif what == 1:
            device = self.chance.choice(some)
            device.leave()
            device.look()
        elif what == 2 and len(some) > 1:
            mine = self.chance.choice(some)
            others = [d for d in devices if d is not mine]
            mine.end_others(others)
            for device in devices:
                device.look()
        elif what == 3:
            self.chance.choice(some).move(self.address('anna'))

    def come_again(self, devices):
        """On one more device. Which address the account has must be known for that."""
        account = devices[0].session.account
        if len(account.emails) == 1:
            device = self.device()
            device.sign_in(account)
            devices.append(device)

    def until_done(self, call):
        """As people do who are told to come back."""
        while self.crowd.here:
            try:
                return call()
            except (Later, Lost, Unsent) as e:
                if not isinstance(e, Closed):
                    time.sleep(self.chance.uniform(0.02, 0.2))      # the pace of somebody who is told to come back
        return None


class Crowd:
    """
    `places` are (API, gate) of each node. Within `with` they are there; at its end they have left. `ages`: forms and sessions may be too old
    for what they are used for, as somebody moves the clock.
    """

    def __init__(self, ledger, places, seed, name, people=6):
        self.ledger, self.places, self.seed, self.name = ledger, places, seed, name
        self.seen, self.here, self.ages, self.died = Seen(), False, False, []
        self.people = [Person(self, number) for number in range(people)]

    def __enter__(self):
        self.here = True
        self.threads = [threading.Thread(target=self._run, args=(person,), daemon=True) for person in self.people]
        for thread in self.threads:
            thread.start()
        return self

    def _run(self, person):
        try:
            person.go_on()
        except Exception:           # a scenario must not go on as if nobody had been there
            self.died.append(traceback.format_exc())

    def meet(self, answers, seconds=60):
        """Until they were given as many answers more that are no 503."""
        def so_far():
            return self.seen.answers - self.seen.statuses[503]
        enough = so_far() + answers
        wait_for(lambda: self.died or so_far() >= enough, seconds)

    def __exit__(self, *_):
        self.here = False
        for thread in self.threads:
            thread.join(60)
            if thread.is_alive():
                self.ledger.fault('a client never got an answer')
        self.ledger.faults.extend(f'a client died: {trace}' for trace in self.died)
        if self.seen.slowest > SLOW:
            self.ledger.fault(f'somebody waited for {self.seen.slowest:.1f} s: {self.seen.slowest_for}')
