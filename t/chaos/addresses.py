# SPDX-License-Identifier: Apache-2.0
"""Many ask for the same account at the same moment."""
import contextlib
import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from lib.clients import PASSWORD
from lib.settings import nested

from . import ledger as book
from .crowd import EXISTS, SLOW
from .wire import PATIENCE

HANDS = 50          # threads, each of which keeps many requests under way
CHEAP = nested('hashers.argon2', {'memory': '1MB', 'iterations': 1, 'parallelism': 1})


def addresses(stage):
    """1,000 registrations of 100 addresses at the same moment: 100 accounts, and each can sign in."""
    house = stage.house or stage.open(changes=CHEAP)
    house.expect_log('AH00484')                 # it is as busy as can be
    people, tries = stage.times(100, 20), 10
    emails = [f'twin{number}@{stage.name}.example.org' for number in range(people)] * tries
    stage.chance.shuffle(emails)
    rush = Rush(house.places, stage.ledger)
    rush.all_at_once(emails)
    made = sum(account.told[book.MADE] for account in stage.ledger.accounts.values())
    if made != people:
        stage.ledger.fault(f'{made} were told that they made one of {people} accounts')
    stage.happened = f'{len(emails)} at once, {rush.later} of them told to come back, slowest {rush.slowest:.1f} s'


class Rush:
    """Registrations that are all sent before the first answer is read. Who is told to come back does, until all have been told."""

    def __init__(self, places, ledger):
        self.places, self.ledger, self.later, self.slowest = [urlsplit(url).netloc for url, _ in places], ledger, 0, 0.0
        self.lock = threading.Lock()

    def all_at_once(self, emails):
        with ThreadPoolExecutor(HANDS) as pool:
            flows = list(pool.map(self.begin, range(len(emails))))
            shares = [list(zip(emails, flows))[hand::HANDS] for hand in range(HANDS)]
            together = threading.Barrier(HANDS)
            left = [one for some in pool.map(lambda share: self.send(share, together), shares) for one in some]
            while left:
                self.later += len(left)
                time.sleep(0.2)         # the pace of those who are told to come back
                left = [one for some in pool.map(lambda one: self.send([one]), left) for one in some]
        if self.slowest > SLOW:
            self.ledger.fault(f'somebody waited for {self.slowest:.1f} s')

    def begin(self, number):
        """(place, id of the flow)"""
        place = self.places[number % len(self.places)]
        while True:
            line = http.client.HTTPConnection(place, timeout=PATIENCE)
            with contextlib.closing(line):
                line.request('GET', '/self-service/registration/api')
                answer = line.getresponse()
                if answer.status == 200:
                    return place, json.loads(answer.read())['id']

    def send(self, share, together=None):
        """Those of them that were told to come back."""
        lines = []
        for _, (place, _) in share:
            lines.append(http.client.HTTPConnection(place, timeout=PATIENCE))
            lines[-1].connect()
        if together:
            together.wait(60)
        began = time.monotonic()
        for line, (email, (_, flow)) in zip(lines, share):
            body = {'method': 'password', 'password': PASSWORD, 'traits': {'email': email}}
            line.request('POST', f'/self-service/registration?flow={flow}', json.dumps(body),
                         {'Content-Type': 'application/json', 'Accept': 'application/json'})
        return [one for line, one in zip(lines, share) if not self.read(line, one[0], began)]

    def read(self, line, email, began):
        """Did the answer say what became of it?"""
        with contextlib.closing(line):
            answer = line.getresponse()
            body = answer.read()
        with self.lock:
            self.slowest = max(self.slowest, time.monotonic() - began)
        if answer.status == 200:
            account = self.ledger.told(email, book.MADE)
            self.ledger.issued(account, {'X-Session-Token': json.loads(body)['session_token']})
        elif answer.status == 400 and f'{EXISTS}' in body.decode():
            self.ledger.told(email, book.TAKEN)
        elif answer.status == 503:
            return False
        else:
            self.ledger.fault(f'join: {answer.status} {body[:300]!r}')
        return True
