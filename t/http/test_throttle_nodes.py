# SPDX-License-Identifier: Apache-2.0
"""Several nodes over one database: what failed at one of them is refused at the others."""
from lib.clients import PASSWORD, WRONG, new_email
from lib.serving import wait_for
from lib.settings import nested

IDENTIFIER = 6


def test_who_failed_at_one_node_is_refused_at_the_other(serve_sqlite, mariadb):
    db = mariadb.fresh()
    limits = nested('mod_kratos.throttle', {'identifier': IDENTIFIER, 'window': '1h'})
    one, two = nodes = [serve_sqlite(limits, db=db, flags=['throttle']) for _ in range(2)]
    for node in nodes:
        node.expect_log('KR0652')
    email, other = new_email(), new_email()
    for who in (email, other):
        one.native().register(who).must(200)
    for _ in range(IDENTIFIER - 1):
        one.native().login(email, WRONG).must(400)

    def told():
        return one.sql("SELECT MAX(used) FROM code_budgets WHERE id LIKE 'failed %'")[0][0] == str(IDENTIFIER - 1)
    wait_for(told)
    two.native().login(email, WRONG).must(400)
    # the second knows of its own one only, until it has asked: a few seconds at the most
    wait_for(lambda: two.native().login(email, WRONG).status == 429)
    two.native().login(other, PASSWORD).must(200)
    wait_for(lambda: one.native().login(email, PASSWORD).status == 429)
