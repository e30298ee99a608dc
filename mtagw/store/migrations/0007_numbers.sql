-- 0007: T2 by columns. Each table is asked once, by `key = any(array)`, and what it says is kept in arrays: no plan made while a table
-- was empty can come to read all of it later. The old form did: it looked for an agenda entry by agency and direction, and joined the
-- whole ledger, so that the thousandth letter cost ten times the first.

-- Found by letter first; an agency's entries of one direction are all of its history.
create unique index agenda_letter on office.agenda_entry (letter_id, agency, direction);
alter table office.agenda_entry drop constraint agenda_entry_agency_direction_letter_id_key;

drop function office.number_letters(jsonb);

-- The number (where numbered[i] names a series) and the agenda entry of each letter, an element of each array for one entry, NULL for
-- absent values; one row for each in the same order. Locks the series by id, then the letters; the last statement before COMMIT (DESIGN 3).
-- A letter is numbered once however often it is named, and entered once in each agenda; the trail gets a row for each entry made.
-- Numbers go in the order of the letters' ids; no date lies before one that the series has given.
create function office.number_letters(letters bigint[], dates text[], ats bigint[], positions text[], incumbencies bigint[], logins text[],
	numbered text[], patterns text[], agendas bigint[], agenda_series text[], agencies text[], directions text[], senders text[],
	destinations text[], channels text[], given_numbers text[], given_dates text[], subjects text[], trails bigint[], events text[],
	versions bigint[], rules text[])
	returns table (number text, letter_date text, agenda_n integer)
	language plpgsql volatile security definer set search_path = pg_catalog as $$
#variable_conflict use_column
declare
	roman constant text[] := array['I','II','III','IV','V','VI','VII','VIII','IX','X','XI','XII'];
	wanted constant text[] := array(select distinct s from unnest(numbered || agenda_series) s where s is not null order by 1);
	head text[]; head_date date[]; series_year text[]; series_next integer[];
	letter bigint[]; about text[]; summary text[]; class text[]; urgency text[]; code text[];
	ledger bigint[]; ledger_number text[]; ledger_date date[];
	entry text[]; entry_n integer[]; written text;
begin
	perform 1 from office.series_head h where h.id = any(wanted) having count(*) = cardinality(wanted);
	if not found then
		insert into office.series_head (id, last_date)
			select s, min(d)::date from unnest(numbered || agenda_series, dates || dates) q(s, d) where s is not null group by 1 order by 1
			on conflict do nothing;
	end if;
	select array_agg(id), array_agg(last_date) into head, head_date
		from (select h.id, h.last_date from office.series_head h where h.id = any(wanted) order by h.id for update) h;
	select array_agg(s.id || ' ' || s.year), array_agg(s.next) into series_year, series_next from office.series s where s.id = any(wanted);
	select array_agg(x.id), array_agg(x.subject), array_agg(x.summary), array_agg(x.security_class), array_agg(x.urgency),
			array_agg(x.classification_code) into letter, about, summary, class, urgency, code
		from (select * from office.letter l where l.id = any(letters) order by l.id for update) x;
	if exists (select from unnest(letters) l where array_position(letter, l) is null) then
		raise exception 'a letter to be numbered is not in the store' using errcode = 'no_data_found';
	end if;
	select array_agg(l.letter_id) into ledger from office.number_ledger l where l.letter_id = any(letters) and l.state = 'assigned';

	with asked as (
		select distinct on (l) l, d::date as d, at, p, i, login, s, pattern
		from unnest(letters, dates, ats, positions, incumbencies, logins, numbered, patterns) as u(l, d, at, p, i, login, s, pattern)
		where s is not null and array_position(ledger, l) is null
		order by l
	), dated as (
		select l, at, p, i, login, s, pattern, greatest(head_date[array_position(head, s)], max(d) over (partition by s order by l)) as d from asked
	), counted as (
		select dated.*, y, coalesce(series_next[array_position(series_year, s || ' ' || y)], 1) - 1
			+ (row_number() over (partition by s, y order by l))::integer as k
		from dated, lateral (select extract(year from d)::integer as y) years
	), heads as (
		update office.series_head h set last_date = c.d from (select s, max(d) as d from counted group by 1) c
		where h.id = c.s and h.last_date < c.d
	), nexts as (
		insert into office.series as x (id, year, next) select s, y, max(k) + 1 from counted group by 1, 2
		on conflict on constraint series_pkey do update set next = excluded.next
	), given as (
		insert into office.number_ledger (series, year, n, state, letter_id, number, letter_date, at, position, incumbency, login)
		select s, y, k, 'assigned', l,
			replace(replace(replace(replace(replace(pattern, '{N3}', lpad(k::text, greatest(3, length(k::text)), '0')),
				'{N}', k::text), '{Y}', y::text), '{M}', lpad(extract(month from d)::text, 2, '0')), '{R}', roman[extract(month from d)::int]),
			d, at, p, nullif(i, 0), login
		from counted
	)
	update office.letter x set state = 'numbered', state_at = c.at from counted c where x.id = c.l and x.state <> 'numbered';

	select array_agg(l.letter_id), array_agg(l.number), array_agg(l.letter_date) into ledger, ledger_number, ledger_date
		from office.number_ledger l where l.letter_id = any(letters) and l.state = 'assigned';
	select array_agg(a.letter_id || ' ' || a.direction || ' ' || a.agency) into entry from office.agenda_entry a where a.letter_id = any(letters);

	with asked as (
		select distinct on (l, s) u.*, u.d::date as day, array_position(letter, l) as at_letter, array_position(ledger, l) as at_ledger
		from unnest(letters, dates, ats, positions, incumbencies, logins, agendas, agenda_series, agencies, directions, senders, destinations,
				channels, given_numbers, given_dates, subjects, trails, events, versions, rules)
			as u(l, d, at, p, i, login, id, s, agency, direction, sender, destination, channel, number, date, subject, trail, event, version, rule)
		where array_position(entry, l || ' ' || direction || ' ' || agency) is null
		order by l, s
	), dated as (
		select asked.*, greatest(head_date[array_position(head, s)], max(day) over (partition by s order by l)) as entered from asked
	), counted as (
		select dated.*, y, coalesce(ledger_number[at_ledger], number) as numbered, coalesce(ledger_date[at_ledger], date::date) as numbered_on,
			coalesce(series_next[array_position(series_year, s || ' ' || y)], 1) - 1
				+ (row_number() over (partition by s, y order by l))::integer as k
		from dated, lateral (select extract(year from entered)::integer as y) years
	), heads as (
		update office.series_head h set last_date = c.d from (select s, max(entered) as d from counted group by 1) c
		where h.id = c.s and h.last_date < c.d
	), nexts as (
		insert into office.series as x (id, year, next) select s, y, max(k) + 1 from counted group by 1, 2
		on conflict on constraint series_pkey do update set next = excluded.next
	), entries as (
		insert into office.agenda_entry (id, agency, direction, year, n, letter_id, entry_date, letter_number, letter_date, subject, sender,
			destination, summary, security_class, urgency, classification_code, channel, at)
		select id, agency, direction, y, k, l, entered, numbered, numbered_on, coalesce(c.subject, about[at_letter]), sender,
			destination, summary[at_letter], class[at_letter], urgency[at_letter], code[at_letter], channel, at
		from counted c
	)
	select audit.write_columns(array_agg(trail), array_agg(at), array_agg(event), array_agg('done'::text), null, array_agg(l), null,
			array_agg(p), array_agg(i), array_agg(login), array_agg(version), array_agg(rule), null, null,
			array_agg(jsonb_build_object('agency', agency, 'number', numbered, 'date', numbered_on, 'agenda', k)::text))::text into written from counted having count(*) > 0;

	select array_agg(a.letter_id || ' ' || a.direction || ' ' || a.agency), array_agg(a.n) into entry, entry_n
		from office.agenda_entry a where a.letter_id = any(letters);
	return query select ledger_number[array_position(ledger, l)], ledger_date[array_position(ledger, l)]::text,
			entry_n[array_position(entry, l || ' ' || direction || ' ' || agency)]
		from unnest(letters, directions, agencies) with ordinality as u(l, direction, agency, n) order by n;
end $$;
revoke all on function office.number_letters from public;
grant execute on function office.number_letters to mtagw_router;
