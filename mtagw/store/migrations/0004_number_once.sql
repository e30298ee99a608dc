-- 0004: a number is given once. Patterns are held to it while they are loaded (policy/numbering.c); this is the wall behind: a
-- numbering that would give a text of its series and year again is refused whole, the letter waits with the reason, and nothing is
-- counted. Also void numbers were given.
create unique index ledger_number_once on office.number_ledger (series, year, number);
