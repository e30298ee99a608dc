-- 0002: what comes in. Verdicts of mail from outside, incoming letters and where they stand in each agency, threads, bounces,
-- the clerk's lists, dispositions with their reports.

-- SPF (RFC 7208) asks who brought it.
alter table mail.message add column peer text not null default '', add column helo text not null default '';

-- Computed once, outside of any transaction, by mtagw-verify.
create table mail.verdict (
	message_id bigint primary key,
	level text not null check (level in ('signed', 'proven', 'spf', 'unproven', 'failed')),
	verdicts text not null,              -- JSON of crypto/verdict.h
	at bigint not null
);

alter table mail.work drop constraint work_kind_check;
alter table mail.work add constraint work_kind_check check (kind in ('route', 'number', 'finish', 'render', 'register', 'failure',
	'present', 'list', 'remind'));
-- present: an incoming letter (ref) is laid before head and clerk of an agency (arg); list: the clerk's list of an agency (arg) is
-- due; remind: a disposition (ref) is due soon or overdue (arg: reminder, escalation). One list an agency waits at a time.
create unique index work_list on mail.work (arg) where kind = 'list' and state = 'waiting';

alter table mail.outgoing drop constraint outgoing_kind_check;
alter table mail.outgoing add constraint outgoing_kind_check check (kind in ('letter', 'pesan', 'notice', 'confirmation', 'preview',
	'failure', 'forward', 'presentation', 'acknowledgement', 'list', 'order', 'report', 'reminder'));

alter table office.letter drop constraint letter_state_check;
alter table office.letter add constraint letter_state_check check (state in ('draft', 'in_clearance', 'returned', 'cleared',
	'numbered', 'signed', 'dispatched', 'replied', 'closed', 'void',
	'received', 'registered', 'presented', 'disposed', 'in_progress', 'done', 'filed', 'noise'));
create index letter_mime on office.letter (mime_message_id);
create index ledger_number on office.number_ledger (number);

-- One row for each agency an incoming letter stands in: the receipt (R36), written by the transaction that routes the mail.
create table office.incoming (
	letter_id bigint not null references office.letter,
	agency text not null,
	state text not null check (state in ('waiting', 'registered', 'presented', 'disposed', 'done', 'noise')),
	sender_address text not null,
	sender_name text not null,
	letter_number text not null default '',  -- of the sender; not unique across senders
	letter_date date not null,
	subject text not null,
	excerpt text not null,                   -- top of what he wrote
	thread text not null default 'none' check (thread in ('token', 'references', 'number', 'none')),
	reply_to bigint,                         -- the letter it answers
	stranger boolean not null default false, -- pengirim lain: linked, closes nothing
	level text not null,                     -- verdict
	urgency text not null,
	due_at bigint,
	agenda_at bigint,                        -- when it was registered
	received_at bigint not null,
	decided_at bigint,
	decided_by text not null default '',     -- position, '' the rule itself
	rule_id text not null,
	primary key (letter_id, agency)
);
create index on office.incoming (agency, letter_id) where state = 'waiting';
create index on office.incoming (reply_to) where reply_to is not null;
create index on office.incoming (sender_address, letter_number);

-- Mail that concerns a letter without being one: bounces, vacation answers, tickets, calendar answers, reactions.
create table office.noted (
	id bigint primary key,
	message_id bigint not null,
	letter_id bigint,
	delivery_id bigint,
	kind text not null,                      -- automatic_name
	address text not null default '',        -- the recipient it is about
	action text not null default '',         -- of a bounce: failed, delayed ...
	status text not null default '',
	words text not null default '',          -- diagnostic or subject
	at bigint not null,
	unique (message_id, delivery_id)
);
create index on office.noted (letter_id) where letter_id is not null;

-- A list as it was sent to the clerk: its numbers stay what they were.
create table office.list_item (
	token_id bigint not null references office.token,
	n integer not null,
	letter_id bigint not null,
	agency text not null,
	primary key (token_id, n)
);

create table office.disposition (
	id bigint primary key,
	letter_id bigint not null references office.letter,
	agency text not null,
	parent bigint references office.disposition,
	prompt bigint not null references office.token,   -- what it was given on
	message_id bigint not null,                       -- the mail that gave it
	position text not null, incumbency bigint, login text not null,   -- who gave it
	to_position text not null,
	instructions text[] not null,                     -- identifiers
	words text not null,                              -- as written
	note text not null,
	due_at bigint,
	state text not null check (state in ('sent', 'passed_on', 'reported', 'declined', 'done', 'recalled')),
	state_at bigint not null,
	reason text not null default '',                  -- of declined, recalled
	token bigint not null references office.token,    -- the recipient's own prompt
	mime_message_id text not null,                    -- of the order's mail
	reminded_at bigint, escalated_at bigint,
	policy_version integer not null,
	rule_id text not null,
	created_at bigint not null,
	unique (prompt, message_id, to_position)
);
create index on office.disposition (letter_id);
create index on office.disposition (parent) where parent is not null;
create index disposition_due on office.disposition (due_at) where state in ('sent', 'passed_on', 'reported') and due_at is not null;

create table office.report (
	id bigint primary key,
	disposition_id bigint not null references office.disposition,
	message_id bigint not null unique,
	position text not null, incumbency bigint, login text not null,
	body text not null,
	enclosures integer not null,
	closing boolean not null,                -- SELESAI
	at bigint not null
);
create index on office.report (disposition_id);

-- 0001's function, which knew letters of our own alone: an incoming letter has the sender's number and date, and what the clerk made
-- of its subject. agenda: {..., letter_number, letter_date, subject, summary} where the ledger has none.
create or replace function office.number_letters(items jsonb)
	returns table (letter_id bigint, number text, letter_date text, n integer, agenda_n integer)
	language plpgsql security definer set search_path = pg_catalog as $$
#variable_conflict use_column
declare
	it jsonb; ag jsonb; l office.letter; led office.number_ledger; d date; y integer; k integer; ak integer; num text; s text;
	ad date;
	roman text[] := array['I','II','III','IV','V','VI','VII','VIII','IX','X','XI','XII'];
	trail jsonb := '[]';
begin
	for s, d in
		select q.s, min(q.d) from (
			select i ->> 'series' as s, (i ->> 'date')::date as d from jsonb_array_elements(items) i where i ? 'series'
			union all select i -> 'agenda' ->> 'series', (i ->> 'date')::date from jsonb_array_elements(items) i
		) q group by 1 order by 1
	loop
		insert into office.series_head values (s, d) on conflict do nothing;
		perform 1 from office.series_head h where h.id = s for update;
	end loop;
	for it in select i from jsonb_array_elements(items) i order by (i ->> 'letter_id')::bigint
	loop
		ag := it -> 'agenda';
		select * into strict l from office.letter x where x.id = (it ->> 'letter_id')::bigint for update;
		select * into led from office.number_ledger x where x.letter_id = l.id and x.state = 'assigned';
		if led.number is null and it ? 'series' then
			s := it ->> 'series';
			select greatest(h.last_date, (it ->> 'date')::date) into d from office.series_head h where h.id = s;
			y := extract(year from d);
			insert into office.series as x values (s, y, 2) on conflict on constraint series_pkey
				do update set next = x.next + 1 returning x.next - 1 into k;
			update office.series_head set last_date = d where id = s;
			num := replace(replace(replace(replace(replace(it ->> 'pattern', '{N3}', lpad(k::text, greatest(3, length(k::text)), '0')),
				'{N}', k::text), '{Y}', y::text), '{M}', lpad(extract(month from d)::text, 2, '0')), '{R}', roman[extract(month from d)::int]);
			insert into office.number_ledger (series, year, n, state, letter_id, number, letter_date, at, position, incumbency, login)
			values (s, y, k, 'assigned', l.id, num, d, (it ->> 'at')::bigint, it ->> 'position', (it ->> 'incumbency')::bigint, it ->> 'login')
			returning * into led;
			update office.letter x set state = 'numbered', state_at = (it ->> 'at')::bigint where x.id = l.id;
		end if;
		ak := null;
		select a.n into ak from office.agenda_entry a
			where a.agency = ag ->> 'agency' and a.direction = ag ->> 'direction' and a.letter_id = l.id;
		if ak is null then
			s := ag ->> 'series';
			select greatest(h.last_date, (it ->> 'date')::date) into ad from office.series_head h where h.id = s;
			y := extract(year from ad);
			insert into office.series as x values (s, y, 2) on conflict on constraint series_pkey
				do update set next = x.next + 1 returning x.next - 1 into ak;
			update office.series_head set last_date = ad where id = s;
			insert into office.agenda_entry values ((ag ->> 'id')::bigint, ag ->> 'agency', ag ->> 'direction', y, ak, l.id, ad,
				coalesce(led.number, ag ->> 'letter_number'), coalesce(led.letter_date, (ag ->> 'letter_date')::date),
				coalesce(ag ->> 'subject', l.subject), ag ->> 'sender', ag ->> 'destination', coalesce(ag ->> 'summary', l.summary),
				l.security_class, l.urgency, l.classification_code, ag ->> 'channel', (it ->> 'at')::bigint);
			trail := trail || jsonb_build_array(jsonb_set(it -> 'exchange', '{detail}', coalesce(it -> 'exchange' -> 'detail', '{}') ||
				jsonb_build_object('number', coalesce(led.number, ag ->> 'letter_number'),
					'date', coalesce(led.letter_date, (ag ->> 'letter_date')::date), 'agenda', ak)));
		end if;
		letter_id := l.id; number := led.number; letter_date := led.letter_date::text; n := led.n; agenda_n := ak;
		return next;
	end loop;
	perform audit.write(trail);
end $$;

grant select on all tables in schema mail, office to mtagw_router, mtagw_ctl;
grant insert on mail.verdict, office.incoming, office.noted, office.list_item, office.disposition, office.report to mtagw_router;
grant update on office.incoming, office.disposition, office.agenda_entry to mtagw_router;
grant select, update on office.disposition to mtagw_clerk;
grant insert on mail.work to mtagw_clerk;
