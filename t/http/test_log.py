# SPDX-License-Identifier: Apache-2.0
"""What the error log says of people: nothing that they typed, unless the owner wants it there."""
import pytest

from lib.clients import WRONG, new_email
from lib.settings import nested

REFUSED = 'identifier or password did not match'


@pytest.mark.parametrize('leak', [False, True])
def test_the_log_names_who_was_refused_only_where_that_is_wanted(serve_sqlite, leak):
    server = serve_sqlite(nested('log.leak_sensitive_values', leak))
    email = new_email()
    server.native().login(email, WRONG).must(400)
    line = next(line for line in server.log().splitlines() if REFUSED in line)
    assert (f'("{email}")' in line) == leak
    assert (email in server.log()) == leak
    assert WRONG not in server.log()
