# SPDX-License-Identifier: BSD-2-Clause
"""
A script for pgbench that does what one session of a new suspect made targreyd ask of
PostgreSQL: the same statements, taken from the server's own log (log_statement =
all), in the same order and with the same values, but for what tells one client from
another. The look-up goes first, then all that is written, in one transaction.

usage: pgsql_session.py session|attempt LOG >SCRIPT

session  all of it
attempt  of the writing only what the client waits for: the triplet and the address
"""
import ipaddress
import re
import sys

STATEMENT = re.compile(r'\[(\d+)\] LOG:  execute s\d+: (.*)$')
VALUES = re.compile(r'\[(\d+)\] DETAIL:  parameters: (.*)$')
VALUE = re.compile(r"\$(\d+) = (NULL|'(?:[^']|'')*')")
PLACE = re.compile(r'\$(\d+)')
# As short as that no number is a hash of targrey's.
HASH_DIGITS = 13
# Housekeeping, which goes on beside every session.
HOUSEKEEPING = 'pg_try_advisory_xact_lock', "VALUES ('probe'"


def read(lines):
    """[(process, statement, values)] in the order of the log"""
    done = []
    for line in lines:
        found = STATEMENT.search(line)
        if found:
            done.append((found[1], found[2], {}))
        found = VALUES.search(line)
        if found and done and done[-1][0] == found[1]:
            done[-1][2].update({int(number): value for number, value
                                in VALUE.findall(found[2])})
    return done


def split(done):
    """What was asked outside of transactions, and the transactions."""
    asked, transactions, of_process = [], [], {}
    for process, sql, values in done:
        if sql == 'BEGIN':
            of_process[process] = []
        elif sql in ('COMMIT', 'ROLLBACK'):
            whole = of_process.pop(process, [])
            if sql == 'COMMIT' and not any(mark in text for text, _ in whole
                                           for mark in HOUSEKEEPING):
                transactions.append(whole)
        else:
            of_process.get(process, asked).append((sql, values))
    return asked, transactions


def event_of(transactions):
    """The event's columns and their values."""
    for sql, values in (pair for whole in transactions for pair in whole):
        if sql.startswith('INSERT INTO event'):
            columns = sql[sql.index('(') + 1:sql.index(')')].split(',')
            return {name.strip('"'): values[number].strip("'")
                    for number, name in enumerate(columns, 1)}
    sys.exit('pgsql_session.py: no event in the log')


class Client:
    """What stands in place of the values that belong to one session alone."""

    def __init__(self, event):
        network = str(ipaddress.ip_network(event['ip'] + '/24', strict=False))
        address = "(:a::text || '.' || :b::text || '.' || :c::text || '.%s')"
        organisation = '.'.join(event['name'].split('.')[-2:])
        self.texts = {event['ip']: address % "' || :d::text || '",
                      network: address % '0/24',
                      organisation: "('o' || :key::text || '.example')",
                      event['sid']: '(:key::text)',
                      event['queue_id']: '(:key::text)'}
        self.key = str(int(ipaddress.ip_address(event['ip'])))
        self.hashes = {}

    def number(self, text):
        if text == self.key:
            return ':key'
        if len(text.lstrip('-')) < HASH_DIGITS:
            return text
        return ':' + self.hashes.setdefault(text, 'h%d' % len(self.hashes))

    def scalar(self, value):
        # pgbench takes a colon for a variable of its own.
        return self.texts.get(value[1:-1], value.replace(':', '.'))

    def array(self, value):
        elements = value[2:-2].split(',')
        if elements == ['']:
            return value
        made = [self.number(element) if re.fullmatch(r'-?\d+', element)
                else self.texts.get(element.strip('"'), "'%s'" % element.strip('"'))
                for element in elements]
        return 'ARRAY[%s]' % ', '.join(made)

    def fill(self, sql, values):
        def put(place):
            value = values[int(place[1])]
            if value == 'NULL':
                return value
            return self.array(value) if value[1] == '{' else self.scalar(value)
        return PLACE.sub(put, sql)

    def drawn(self):
        yield from ('\\set %s random(%d, %d)' % (name, low, high) for name, low, high
                    in (('a', 1, 223), ('b', 0, 255), ('c', 0, 255), ('d', 0, 255)))
        yield '\\set key :a * 16777216 + :b * 65536 + :c * 256 + :d'
        for name in self.hashes.values():
            yield '\\set %s random(1, 9000000000000000000)' % name


def main():
    what, path = sys.argv[1:]
    with open(path) as file:
        asked, transactions = split(read(file))
    client = Client(event_of(transactions))
    if what == 'attempt':
        asked = []
        transactions = [whole for whole in transactions
                        if any('INTO triplet' in sql for sql, _ in whole)]
    lines = [client.fill(*pair) + ';' for pair in asked]
    lines.append('BEGIN;')
    lines += [client.fill(*pair) + ';' for whole in transactions for pair in whole]
    lines.append('COMMIT;')
    print('\n'.join([*client.drawn(), *lines]))


main()
