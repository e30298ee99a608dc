-- 0001: the store as DESIGN 14 decides it. Times are milliseconds since 1970 UTC given by the programs; SQL never tells the time.
-- Ids are 64-bit and time-ordered: milliseconds << 22 | low bits of mail.id_block, taken in blocks of 1024.

create schema org;
create schema mail;
create schema office;
create schema policy;
create schema audit;

create sequence mail.id_block minvalue 0 start 0 increment by 1024;

-- ------------------------------------------------------------------ policy: law by content hash
create table policy.blob (
	sha256 bytea primary key check (length(sha256) = 32),
	bytes bytea not null
);
create table policy.version (
	version integer primary key,
	sha256 bytea not null,               -- over the list of files
	activated_at bigint not null,
	position text not null, incumbency bigint, login text not null   -- who
);
create table policy.file (
	version integer not null references policy.version,
	path text not null,                  -- 'policies/index.xml', 'templates/ordinary_letter.text.xsl'
	ord integer not null,
	sha256 bytea not null references policy.blob,
	primary key (version, path)
);
create table policy.active (
	one boolean primary key default true check (one),
	version integer not null references policy.version
);

-- ------------------------------------------------------------------ org: structure (from policy), people and accounts (rows)
create table org.agency (
	code text primary key,               -- 'DISKOMINFO'
	name text not null,
	registry_local text not null,        -- 'surat.diskominfo'
	head text,                           -- position
	registry text,                       -- position of the registry clerk
	version integer not null
);
create table org.position (
	id text primary key,                 -- local part: 'kadis.diskominfo'
	agency text not null references org.agency,
	title text not null,
	echelon text not null default '',
	superior text,
	active boolean not null default true,
	version integer not null
);
-- Every local part the city's domain knows; smtpd refuses others at RCPT.
create table org.address (
	local text primary key,              -- 'kadis.diskominfo', 'surat.diskominfo', 'surat-biasa', 'ttd', 'postmaster'
	kind text not null check (kind in ('position', 'registry', 'type', 'action', 'role')),
	target text not null,                -- position, agency code, letter type, verb, position
	detail boolean not null,             -- +detail allowed
	outside boolean not null,            -- may the MX take mail for it
	version integer not null
);
create table org.person (
	id bigint primary key,
	name text not null,
	nip text not null default '',
	rank_title text not null default '',
	pay_grade text not null default ''
);
create table org.incumbency (
	id bigint primary key,
	position text not null references org.position,
	person bigint not null references org.person,
	capacity text not null default 'substantive'
		check (capacity in ('substantive', 'acting_vacant', 'acting_absent', 'caretaker', 'temp_caretaker')),
	valid_from bigint not null,
	valid_to bigint
);
create index on org.incumbency (position, valid_from);
create table org.account (
	login text primary key check (login = lower(login)),   -- position address
	position text not null references org.position,
	password text not null,              -- with its scheme, {SCRAM-SHA-256}...
	active boolean not null default true,
	created_at bigint not null
);
create view org.dovecot_user as
	select login as username, password, position, split_part(login, '@', 1) as mailbox from org.account where active;

-- ------------------------------------------------------------------ mail: bodies, messages, queue
create table mail.body (
	id bigint primary key,
	size bigint not null,
	sha256 bytea not null,
	bytes bytea                          -- up to 64 KiB; null: rows of mail.body_chunk
) partition by range (id);
alter table mail.body alter column bytes set compression lz4;
create table mail.body_chunk (
	body_id bigint not null,
	n integer not null,                  -- from 0, each but the last 256 KiB
	bytes bytea not null,
	primary key (body_id, n)
) partition by range (body_id);
alter table mail.body_chunk alter column bytes set storage external;
-- Chunks written and not yet published by a mail.body row; swept when orphaned.
create table mail.body_staging (
	body_id bigint primary key,
	started_at bigint not null
);

create table mail.message (
	id bigint primary key,
	body_id bigint not null,
	channel text not null check (channel in ('submission', 'mx')),
	received_at bigint not null,
	sender text not null,                -- envelope, '' null
	rcpts text[] not null,
	login text not null default '',      -- authenticated address on submission
	from_address text not null default '',
	mime_message_id text not null default '',
	subject text not null default '',
	size bigint not null,
	state text not null default 'received'
		check (state in ('received', 'routed', 'quarantined', 'refused')),
	letter_id bigint,
	reason text not null default ''
);
create index on mail.message (letter_id) where letter_id is not null;
create table mail.idempotency (
	key bytea primary key check (length(key) = 32),
	message_id bigint not null,
	expires_at bigint not null
);
create index on mail.idempotency (expires_at);

-- What the router has to do. kind route: a message; number: a cleared letter; finish: a numbered letter to be sealed and stored;
-- render: the same with a PDF; register: a recipient agency's agenda number; failure: an attempt that was the last.
create table mail.work (
	id bigint primary key,
	kind text not null check (kind in ('route', 'number', 'finish', 'render', 'register', 'failure')),
	ref bigint not null,                 -- message, letter or attempt id
	arg text not null default '',        -- register: agency
	state text not null default 'waiting' check (state in ('waiting', 'claimed', 'quarantined')),
	next_at bigint not null,
	owner text not null default '',
	epoch bigint not null default 0,
	lease_until bigint not null default 0,
	tries integer not null default 0,    -- claims that were never ended
	alone integer not null default 0,    -- of these, claims run alone
	waits integer not null default 0,    -- put back on purpose
	reason text not null default ''
);
create index work_waiting on mail.work (next_at, id) where state = 'waiting';
create index work_claimed on mail.work (lease_until) where state = 'claimed';
create index work_ref on mail.work (ref);

-- A composed message: segments are triples (body_id, offset, length); literal bytes are a body of their own.
create table mail.outgoing (
	id bigint primary key,
	message_id bigint,                   -- what it came from
	letter_id bigint,
	kind text not null check (kind in ('letter', 'pesan', 'notice', 'confirmation', 'preview', 'failure', 'forward')),
	form text not null check (form in ('inside', 'outside')),
	position text not null default '',   -- on whose behalf
	from_address text not null,
	mime_message_id text not null,
	subject text not null,
	size bigint not null,
	eight_bit boolean not null,
	segments bigint[] not null,
	sha256 bytea not null,               -- of all bytes
	created_at bigint not null,
	policy_version integer
);
create unique index outgoing_letter_form on mail.outgoing (letter_id, form) where kind = 'letter';
create index on mail.outgoing (message_id) where message_id is not null;

-- One row per (outgoing, recipient); deleted when done (mail.attempt keeps what happened).
create table mail.delivery (
	id bigint primary key,
	outgoing_id bigint not null references mail.outgoing,
	letter_id bigint,
	recipient text not null,
	route text not null check (route in ('lmtp', 'smtp')),
	destination text not null,           -- the domain (smtp), 'lmtp'
	return_path text not null,           -- '' null sender
	extra_header text not null default '', -- complete fields, CRLF: put before the message
	state text not null default 'waiting' check (state in ('waiting', 'claimed', 'held', 'uncertain')),
	next_at bigint not null,
	expires_at bigint not null,
	owner text not null default '',
	epoch bigint not null default 0,
	lease_until bigint not null default 0,
	dot_at bigint,
	attempts integer not null default 0,
	last_code integer not null default 0,
	last_text text not null default '',
	created_at bigint not null,
	unique (outgoing_id, recipient)
);
create index delivery_waiting on mail.delivery (next_at, id) where state = 'waiting';
create index delivery_claimed on mail.delivery (lease_until) where state = 'claimed';
create index on mail.delivery (letter_id) where letter_id is not null;

create table mail.attempt (
	id bigint primary key,
	delivery_id bigint not null,
	outgoing_id bigint not null,
	letter_id bigint,
	recipient text not null,
	route text not null,
	outcome text not null check (outcome in ('delivered', 'deferred', 'failed', 'uncertain', 'expired')),
	code integer not null default 0,
	enhanced text not null default '',
	reply text not null default '',
	remote text not null default '',     -- address:port
	tls text not null default '',
	started_at bigint not null,
	dot_at bigint,
	at bigint not null
) partition by range (id);
create index on mail.attempt (delivery_id);
create index on mail.attempt (letter_id) where letter_id is not null;
create index on mail.attempt (outgoing_id);

-- ------------------------------------------------------------------ office
create table office.letter (
	id bigint primary key,
	message_id bigint not null unique,   -- the mail it was written as
	type text not null,
	scope text not null check (scope in ('internal', 'inter_agency', 'outside')),
	direction text not null check (direction in ('incoming', 'outgoing')),
	state text not null check (state in ('draft', 'in_clearance', 'returned', 'cleared', 'numbered', 'signed', 'dispatched',
		'replied', 'closed', 'void')),
	state_at bigint not null,
	agency text not null,
	position text not null, incumbency bigint, login text not null,   -- the signatory
	subject text not null,
	summary text not null,
	classification_code text not null,
	security_class text not null,
	urgency text not null,
	xml text not null,                   -- letter.xml without number and date
	canonical_sha256 bytea not null,     -- of its C14N: what consent is given on
	mime_message_id text not null,
	reply_token bigint,
	policy_version integer not null,
	rule_id text not null,
	created_at bigint not null
);
create table office.letter_recipient (
	letter_id bigint not null references office.letter,
	n integer not null,
	role text not null check (role in ('main', 'copy')),
	inside boolean not null,
	name text not null,
	address text not null,
	position text,
	agency text,
	primary key (letter_id, n)
);
-- Forms that are bytes kept for good: 'inside', 'outside' name an outgoing row, 'pdf' a body.
create table office.letter_form (
	letter_id bigint not null references office.letter,
	form text not null check (form in ('inside', 'outside', 'pdf')),
	ref bigint not null,
	size bigint not null,
	sha256 bytea not null,
	key_fingerprint text not null default '',
	created_at bigint not null,
	primary key (letter_id, form)
);

-- Numbers: never a column of the letter. The head row is the lock of a series.
create table office.series_head (
	id text primary key,                 -- 'surat/DISKOMINFO', 'agenda-keluar/DISKOMINFO'
	last_date date not null
);
create table office.series (
	id text not null references office.series_head,
	year integer not null,
	next integer not null,
	primary key (id, year)
);
create table office.number_ledger (
	series text not null,
	year integer not null,
	n integer not null,
	suffix text not null default '',
	state text not null check (state in ('assigned', 'reserved', 'inserted', 'void')),
	letter_id bigint,
	number text not null,                -- as printed
	letter_date date not null,
	reason text not null default '',
	at bigint not null,
	position text not null, incumbency bigint, login text not null,
	primary key (series, year, n, suffix),
	foreign key (series, year) references office.series
);
create unique index ledger_letter on office.number_ledger (letter_id) where state = 'assigned';

-- R3: date, number, subject, sender, destination, summary are mandatory.
create table office.agenda_entry (
	id bigint primary key,
	agency text not null,
	direction text not null check (direction in ('incoming', 'outgoing')),
	year integer not null,
	n integer not null,
	letter_id bigint not null references office.letter,
	entry_date date not null,
	letter_number text not null,
	letter_date date not null,
	subject text not null,
	sender text not null,
	destination text not null,
	summary text not null,
	security_class text not null,
	urgency text not null,
	classification_code text not null,
	channel text not null,
	at bigint not null,
	unique (agency, direction, year, n),
	unique (agency, direction, letter_id)
);

create table office.token (
	id bigint primary key,
	kind text not null check (kind in ('reply', 'prompt')),
	letter_id bigint,
	message_id bigint,
	actor text,                          -- position; null: anyone
	verb text,                           -- 'ttd'; null: any
	created_at bigint not null,
	expires_at bigint not null,
	closed_at bigint,
	closed_by text                       -- what closed it: 'ok', 'pesan', 'batal'
);
create index on office.token (letter_id) where letter_id is not null;
create table office.action (
	actor text not null,
	prompt bigint not null references office.token,
	verb text not null,
	at bigint not null,
	message_id bigint not null,
	primary key (actor, prompt, verb)
);

-- ------------------------------------------------------------------ audit: the trail
create table audit.exchange (
	id bigint primary key,
	at bigint not null,
	event text not null,
	outcome text not null,
	message_id bigint,
	letter_id bigint,
	delivery_id bigint,
	position text, incumbency bigint, login text,
	policy_version integer,
	rule_id text,
	code text,
	object_sha256 bytea,
	salt bytea not null,
	canonical text not null,
	sha256 bytea not null
) partition by range (id);
create index on audit.exchange (letter_id) where letter_id is not null;
create index on audit.exchange (message_id) where message_id is not null;
create table audit.detail (
	exchange_id bigint primary key,
	detail jsonb not null
) partition by range (exchange_id);

create function audit.refuse() returns trigger language plpgsql as $$
begin
	raise exception 'audit rows are append-only' using errcode = 'insufficient_privilege';
end $$;
create trigger exchange_append_only before update or delete on audit.exchange
	for each row execute function audit.refuse();

-- The one writer. rows: [{id, at, event, outcome, message_id, letter_id, delivery_id, position, incumbency, login, policy_version,
-- rule_id, code, object_sha256 (hex), detail {}}]. The canonical form is frozen: version word, then key=value lines in this order, absent ones empty.
create function audit.write(rows jsonb) returns void
	language sql volatile security definer set search_path = pg_catalog as $$
	with r as (
		select x.*, decode(replace(gen_random_uuid()::text, '-', ''), 'hex') as salt,
			concat('mtagw-exchange-1', E'\nid=', x.id, E'\nat=', x.at, E'\nevent=', x.event, E'\noutcome=', x.outcome,
				E'\nmessage=', x.message_id, E'\nletter=', x.letter_id, E'\ndelivery=', x.delivery_id,
				E'\nposition=', x.position, E'\nincumbency=', x.incumbency, E'\nlogin=', x.login,
				E'\npolicy=', x.policy_version, E'\nrule=', x.rule_id, E'\ncode=', x.code,
				E'\nobject=', x.object_sha256, E'\ndetail=', encode(sha256(convert_to(coalesce(x.detail, '{}')::text, 'UTF8')), 'hex'),
				E'\n') as canonical
		from jsonb_to_recordset(rows) as x(id bigint, at bigint, event text, outcome text, message_id bigint,
			letter_id bigint, delivery_id bigint, position text, incumbency bigint, login text, policy_version integer,
			rule_id text, code text, object_sha256 text, detail jsonb)
	), d as (
		insert into audit.detail (exchange_id, detail)
		select id, detail from r where detail is not null and detail <> '{}'
	)
	insert into audit.exchange (id, at, event, outcome, message_id, letter_id, delivery_id, position, incumbency, login,
		policy_version, rule_id, code, object_sha256, salt, canonical, sha256)
	select id, at, event, outcome, message_id, letter_id, delivery_id, position, incumbency, login, policy_version, rule_id,
		code, decode(object_sha256, 'hex'), salt, canonical, sha256(salt || convert_to(canonical, 'UTF8'))
	from r;
$$;

-- T2: numbers and agenda entries for a batch, last before COMMIT. items: [{letter_id, date, at, position, incumbency, login,
--   series, pattern (absent: agenda entry only), agenda: {id, series, agency, direction, sender, destination, channel}, exchange: {...}}].
-- Series are locked in id order, no round trip happens under the locks, a redo gives the number that stands. The date never
-- goes before the series' last one. Tokens of a pattern: {N} {N3} {Y} {M} {R} (roman month).
create function office.number_letters(items jsonb)
	returns table (letter_id bigint, number text, letter_date text, n integer, agenda_n integer)
	language plpgsql security definer set search_path = pg_catalog as $$
#variable_conflict use_column
declare
	it jsonb; ag jsonb; l office.letter; led office.number_ledger; d date; y integer; k integer; ak integer; num text; s text;
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
			select greatest(h.last_date, (it ->> 'date')::date) into d from office.series_head h where h.id = s;
			y := extract(year from d);
			insert into office.series as x values (s, y, 2) on conflict on constraint series_pkey
				do update set next = x.next + 1 returning x.next - 1 into ak;
			update office.series_head set last_date = d where id = s;
			insert into office.agenda_entry values ((ag ->> 'id')::bigint, ag ->> 'agency', ag ->> 'direction', y, ak, l.id, d,
				led.number, led.letter_date, l.subject, ag ->> 'sender', ag ->> 'destination', l.summary, l.security_class,
				l.urgency, l.classification_code, ag ->> 'channel', (it ->> 'at')::bigint);
			trail := trail || jsonb_build_array(jsonb_set(it -> 'exchange', '{detail}', coalesce(it -> 'exchange' -> 'detail', '{}') ||
				jsonb_build_object('number', led.number, 'date', led.letter_date, 'agenda', ak)));
		end if;
		letter_id := l.id; number := led.number; letter_date := led.letter_date::text; n := led.n; agenda_n := ak;
		return next;
	end loop;
	perform audit.write(trail);
end $$;

-- ------------------------------------------------------------------ partitions by year of the id, and a default that `status` alarms on
create function mail.ensure_partitions(first_year integer, last_year integer) returns void
	language plpgsql security definer set search_path = pg_catalog as $$
declare
	y integer; t text; lo bigint; hi bigint;
begin
	foreach t in array array['mail.body', 'mail.body_chunk', 'mail.attempt', 'audit.exchange', 'audit.detail'] loop
		if to_regclass(t || '_default') is null then
			execute format('create table %s_default partition of %s default', t, t);
		end if;
		for y in first_year .. last_year loop
			lo := (extract(epoch from make_timestamptz(y, 1, 1, 0, 0, 0, 'UTC'))::bigint * 1000) << 22;
			hi := (extract(epoch from make_timestamptz(y + 1, 1, 1, 0, 0, 0, 'UTC'))::bigint * 1000) << 22;
			if to_regclass(format('%s_%s', t, y)) is null then
				execute format('create table %s_%s partition of %s for values from (%s) to (%s)', t, y, t, lo, hi);
			end if;
		end loop;
	end loop;
end $$;

-- ------------------------------------------------------------------ least privilege
revoke all on all functions in schema mail, office, audit from public;
grant usage on schema org, mail, office, policy, audit to mtagw_smtpd, mtagw_router, mtagw_sender, mtagw_clerk, mtagw_ctl;
grant usage on schema org to mtagw_dovecot;
grant select on org.dovecot_user to mtagw_dovecot;
grant usage on sequence mail.id_block to mtagw_smtpd, mtagw_router, mtagw_sender, mtagw_clerk, mtagw_ctl;
grant execute on function audit.write to mtagw_smtpd, mtagw_router, mtagw_sender, mtagw_clerk, mtagw_ctl;

grant select on org.address, org.position, policy.active to mtagw_smtpd;
grant insert on mail.body, mail.body_chunk, mail.message, mail.work to mtagw_smtpd;
grant select, insert, delete on mail.body_staging to mtagw_smtpd;
grant select, insert on mail.idempotency to mtagw_smtpd;
grant select (id) on mail.message to mtagw_smtpd;

grant select on all tables in schema org, mail, office, policy, audit to mtagw_router;
revoke select on org.account from mtagw_router;
grant select (login, position, active) on org.account to mtagw_router;
grant insert on mail.body, mail.body_chunk, mail.body_staging, mail.outgoing, mail.delivery, mail.work to mtagw_router;
grant delete on mail.body_staging to mtagw_router;
grant update on mail.message, mail.work, office.letter, office.token to mtagw_router;
grant delete on mail.work to mtagw_router;
grant insert on office.letter, office.letter_recipient, office.letter_form, office.token, office.action to mtagw_router;
grant execute on function office.number_letters to mtagw_router;

grant select on mail.body, mail.body_chunk, mail.outgoing, mail.delivery, mail.attempt, org.position, org.agency to mtagw_sender;
grant update, delete on mail.delivery to mtagw_sender;
grant insert on mail.attempt, mail.work to mtagw_sender;
grant select (id, state), update (state, state_at) on office.letter to mtagw_sender;

grant select, update on mail.work, mail.delivery to mtagw_clerk;
grant select, delete on mail.body_staging, mail.body_chunk, mail.idempotency to mtagw_clerk;
grant update on mail.body_staging to mtagw_clerk; -- for its row locks
grant select on mail.body to mtagw_clerk;
grant execute on function mail.ensure_partitions to mtagw_clerk;

grant select on all tables in schema org, mail, office, policy, audit to mtagw_ctl;
grant insert, update on policy.blob, policy.version, policy.file, policy.active to mtagw_ctl;
grant insert, update, delete on org.agency, org.position, org.address, org.person, org.incumbency, org.account to mtagw_ctl;
grant update, delete on mail.delivery, mail.work to mtagw_ctl;
grant insert on mail.attempt, mail.work to mtagw_ctl;
grant update on mail.message to mtagw_ctl;
