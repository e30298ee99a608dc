-- 0006: what is written for a batch of letters is written by one statement a table.

-- As 0005 says; 0 and '' are absent values too, and a row without an id is none (so that a caller can leave some out).
create or replace function audit.write_columns(ids bigint[], ats bigint[], events text[], outcomes text[], messages bigint[],
	letters bigint[], deliveries bigint[], positions text[], incumbencies bigint[], logins text[], versions bigint[], rules text[],
	codes text[], objects text[], details text[]) returns void
	language plpgsql volatile security definer set search_path = pg_catalog as $$
begin
	with x as (
		select unnest(ids) as id, unnest(ats) as at, unnest(events) as event, unnest(outcomes) as outcome,
			nullif(unnest(messages), 0) as message_id, nullif(unnest(letters), 0) as letter_id,
			nullif(unnest(deliveries), 0) as delivery_id, nullif(unnest(positions), '') as position,
			nullif(unnest(incumbencies), 0) as incumbency, nullif(unnest(logins), '') as login,
			nullif(unnest(versions), 0) as policy_version, nullif(unnest(rules), '') as rule_id, nullif(unnest(codes), '') as code,
			nullif(unnest(objects), '') as object_sha256, unnest(details)::jsonb as detail
	), r as materialized (
		select x.*, uuid_send(gen_random_uuid()) as salt,
			audit.canonical(x.id, x.at, x.event, x.outcome, x.message_id, x.letter_id, x.delivery_id, x.position, x.incumbency,
				x.login, x.policy_version, x.rule_id, x.code, x.object_sha256, x.detail) as canonical
		from x where x.id is not null
	), d as (
		insert into audit.detail (exchange_id, detail)
		select id, detail from r where detail is not null and detail <> '{}'
	)
	insert into audit.exchange (id, at, event, outcome, message_id, letter_id, delivery_id, position, incumbency, login,
		policy_version, rule_id, code, object_sha256, salt, canonical, sha256)
	select id, at, event, outcome, message_id, letter_id, delivery_id, position, incumbency, login, policy_version, rule_id,
		code, decode(object_sha256, 'hex'), salt, canonical, sha256(salt || convert_to(canonical, 'UTF8'))
	from r;
end $$;

-- T2 for a batch as sets: what a series gives, in the order of the letters' ids, is counted by windows. The rest is as 0002 says.
create or replace function office.number_letters(items jsonb)
	returns table (letter_id bigint, number text, letter_date text, n integer, agenda_n integer)
	language plpgsql security definer set search_path = pg_catalog as $$
#variable_conflict use_column
declare
	roman text[] := array['I','II','III','IV','V','VI','VII','VIII','IX','X','XI','XII'];
	ids bigint[]; known integer; trail jsonb;
begin
	insert into office.series_head (id, last_date)
		select q.s, min(q.d) from (
			select i ->> 'series' as s, (i ->> 'date')::date as d from jsonb_array_elements(items) i where i ? 'series'
			union all select i -> 'agenda' ->> 'series', (i ->> 'date')::date from jsonb_array_elements(items) i
		) q group by 1 order by 1
		on conflict do nothing;
	perform 1 from office.series_head h where h.id in (
			select i ->> 'series' from jsonb_array_elements(items) i where i ? 'series'
			union select i -> 'agenda' ->> 'series' from jsonb_array_elements(items) i)
		order by h.id for update;
	select array_agg(distinct (i ->> 'letter_id')::bigint) into ids from jsonb_array_elements(items) i;
	perform 1 from office.letter x where x.id = any(ids) order by x.id for update;
	get diagnostics known = row_count;
	if known <> cardinality(ids) then
		raise exception 'a letter to be numbered is not in the store' using errcode = 'no_data_found';
	end if;

	with asked as ( -- one each: a letter is numbered once however often it is named
		select distinct on ((i ->> 'letter_id')::bigint) (i ->> 'letter_id')::bigint as letter, i ->> 'series' as series, i ->> 'pattern' as pattern,
			(i ->> 'date')::date as date, (i ->> 'at')::bigint as at, i ->> 'position' as position,
			(i ->> 'incumbency')::bigint as incumbency, i ->> 'login' as login
		from jsonb_array_elements(items) i
		where i ? 'series' and not exists (select 1 from office.number_ledger l
			where l.letter_id = (i ->> 'letter_id')::bigint and l.state = 'assigned')
		order by 1
	), dated as (
		select a.*, greatest(h.last_date, max(a.date) over (partition by a.series order by a.letter)) as d
		from asked a join office.series_head h on h.id = a.series
	), counted as (
		select a.*, extract(year from a.d)::integer as y, coalesce(s.next, 1) - 1
			+ (row_number() over (partition by a.series, extract(year from a.d) order by a.letter))::integer as k
		from dated a left join office.series s on s.id = a.series and s.year = extract(year from a.d)::integer
	), heads as (
		update office.series_head h set last_date = c.d from (select series, max(d) as d from counted group by 1) c
		where h.id = c.series and h.last_date < c.d
	), nexts as (
		insert into office.series as x (id, year, next) select series, y, max(k) + 1 from counted group by 1, 2
		on conflict on constraint series_pkey do update set next = excluded.next
		returning x.id
	), given as (
		insert into office.number_ledger (series, year, n, state, letter_id, number, letter_date, at, position, incumbency, login)
		select c.series, c.y, c.k, 'assigned', c.letter,
			replace(replace(replace(replace(replace(c.pattern, '{N3}', lpad(c.k::text, greatest(3, length(c.k::text)), '0')),
				'{N}', c.k::text), '{Y}', c.y::text), '{M}', lpad(extract(month from c.d)::text, 2, '0')),
				'{R}', roman[extract(month from c.d)::int]),
			c.d, c.at, c.position, c.incumbency, c.login
		from counted c
		returning letter_id, at
	)
	update office.letter x set state = 'numbered', state_at = g.at from given g where x.id = g.letter_id;

	with asked as (
		select distinct on ((i ->> 'letter_id')::bigint, i -> 'agenda' ->> 'series') (i ->> 'letter_id')::bigint as letter,
			(i ->> 'date')::date as date, (i ->> 'at')::bigint as at, i -> 'agenda' as ag,
			i -> 'agenda' ->> 'series' as series, i -> 'exchange' as exchange
		from jsonb_array_elements(items) i
		where not exists (select 1 from office.agenda_entry a where a.agency = i -> 'agenda' ->> 'agency'
			and a.direction = i -> 'agenda' ->> 'direction' and a.letter_id = (i ->> 'letter_id')::bigint)
	), dated as (
		select a.*, greatest(h.last_date, max(a.date) over (partition by a.series order by a.letter)) as d
		from asked a join office.series_head h on h.id = a.series
	), counted as (
		select a.*, extract(year from a.d)::integer as y, coalesce(s.next, 1) - 1
			+ (row_number() over (partition by a.series, extract(year from a.d) order by a.letter))::integer as k
		from dated a left join office.series s on s.id = a.series and s.year = extract(year from a.d)::integer
	), heads as (
		update office.series_head h set last_date = c.d from (select series, max(d) as d from counted group by 1) c
		where h.id = c.series and h.last_date < c.d
	), nexts as (
		insert into office.series as x (id, year, next) select series, y, max(k) + 1 from counted group by 1, 2
		on conflict on constraint series_pkey do update set next = excluded.next
	), entries as (
		insert into office.agenda_entry (id, agency, direction, year, n, letter_id, entry_date, letter_number, letter_date, subject,
			sender, destination, summary, security_class, urgency, classification_code, channel, at)
		select (c.ag ->> 'id')::bigint, c.ag ->> 'agency', c.ag ->> 'direction', c.y, c.k, l.id, c.d,
			coalesce(led.number, c.ag ->> 'letter_number'), coalesce(led.letter_date, (c.ag ->> 'letter_date')::date),
			coalesce(c.ag ->> 'subject', l.subject), c.ag ->> 'sender', c.ag ->> 'destination', coalesce(c.ag ->> 'summary', l.summary),
			l.security_class, l.urgency, l.classification_code, c.ag ->> 'channel', c.at
		from counted c join office.letter l on l.id = c.letter
			left join office.number_ledger led on led.letter_id = l.id and led.state = 'assigned'
	)
	select jsonb_agg(jsonb_set(c.exchange, '{detail}', coalesce(c.exchange -> 'detail', '{}') || jsonb_build_object(
			'number', coalesce(led.number, c.ag ->> 'letter_number'),
			'date', coalesce(led.letter_date, (c.ag ->> 'letter_date')::date), 'agenda', c.k)) order by c.letter)
		into trail
	from counted c left join office.number_ledger led on led.letter_id = c.letter and led.state = 'assigned';
	if trail is not null then
		perform audit.write(trail);
	end if;

	return query select (i ->> 'letter_id')::bigint, led.number, led.letter_date::text, led.n, a.n
		from jsonb_array_elements(items) i
		left join office.number_ledger led on led.letter_id = (i ->> 'letter_id')::bigint and led.state = 'assigned'
		join office.agenda_entry a on a.agency = i -> 'agenda' ->> 'agency' and a.direction = i -> 'agenda' ->> 'direction'
			and a.letter_id = (i ->> 'letter_id')::bigint
		order by 1;
end $$;

-- A correspondent gets so many receipts in a while and no more, whoever writes beside us: called behind the receipt's row, refuses the
-- one too many, and the stage is prepared again with what stands then.
create function office.receipt_room(address text, since bigint, most integer) returns void
	language plpgsql security definer set search_path = pg_catalog as $$
begin
	perform pg_advisory_xact_lock(hashtextextended($1, 5));
	if (select count(*) from office.incoming i where i.sender_address = $1 and i.received_at >= $2
			and exists (select 1 from mail.outgoing o where o.letter_id = i.letter_id and o.kind = 'acknowledgement')) > $3 then
		raise exception 'receipts of the day are used up' using errcode = 'object_in_use';
	end if;
end $$;
revoke all on function office.receipt_room from public;
grant execute on function office.receipt_room to mtagw_router;

-- Threads are found by Message-ID.
create index outgoing_mime on mail.outgoing (mime_message_id);

-- Rows that change state several times in their life stay in their page, and the letter's document is not written again with each.
alter table office.letter set (fillfactor = 60, toast_tuple_target = 256);
alter table mail.work set (fillfactor = 50);
alter table mail.delivery set (fillfactor = 50);
